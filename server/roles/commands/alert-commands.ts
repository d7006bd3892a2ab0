import { ALERTS_PAGE_MAX, listAlerts } from '#server/domains/notifications/alerts/queries.ts'
import { writeTexts } from '#server/domains/notifications/texts/write-texts.ts'
import { AMOUNT_MAX } from '#server/kit/money.ts'
import { type Command, print, readArguments, UsageError, withSaldo } from './command.ts'

/** `saldo alerts list` */
export const alertsCommand: Command = {
  arguments: 'list',
  summary: 'What staff are alarmed by at the moment',
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    if (verb !== 'list') throw new UsageError(`alerts: expected list, not "${verb}".`)
    readArguments(rest, [], { min: 0, max: 0 })
    return withSaldo(config, async ({ app }) => {
      const alerts = await listAlerts(app.db, { open_only: true, before: AMOUNT_MAX, limit: ALERTS_PAGE_MAX })
      for (const alert of alerts.slice(0, ALERTS_PAGE_MAX)) {
        const data = { ...alert.data, since: alert.raised_at.toISOString() }
        const { title, body } = writeTexts(alert.kind, data, { locale: 'en', time_zone: 'UTC' })
        const taken = alert.acknowledged_at === null ? '' : '  (acknowledged)'
        print(`${alert.id}  ${alert.raised_at.toISOString()}  ${title}${taken}  ${body.replaceAll(/\s+/g, ' ')}`)
      }
      if (alerts.length === 0) print('All is well.')
      return 0
    })
  },
}
