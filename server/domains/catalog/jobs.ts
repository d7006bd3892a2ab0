import type { Providers } from '#server/domains/providers/registry.ts'
import type { Chore } from '#server/platform/jobs/jobs.ts'
import { followExchangeRates } from './exchange-rates/follow-exchange-rates.ts'
import { forgetOffers } from './offers/kept-offer.ts'
import { refreshDue } from './refresh/refresh-due.ts'

/** The timetable's part. What is due for a refresh follows from when it was refreshed last, so that a night without a scheduler is made up for. */
export function catalogChores(providers: Providers): readonly Chore[] {
  return [
    {
      name: 'catalog.refresh',
      cron: '*/10 * * * *',
      run: async (app) => {
        await refreshDue(app, providers)
      },
    },
    {
      name: 'catalog.forget-offers',
      cron: '25 * * * *',
      run: (app) => forgetOffers(app.db, app.clock.now()),
    },
    {
      name: 'catalog.follow-exchange-rates',
      cron: '* * * * *',
      run: async (app) => {
        const changed = await followExchangeRates(app)
        if (changed > 0) app.log.warn({ changed }, 'services changed by the age of exchange rates')
      },
    },
  ]
}
