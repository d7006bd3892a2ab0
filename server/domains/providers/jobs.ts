import type { Chore } from '#server/platform/jobs/jobs.ts'
import { watchProviders } from './watch-providers.ts'

/** What the scheduler does for this domain. */
export const providerChores: readonly Chore[] = [{ name: 'providers.watch', cron: '* * * * *', run: watchProviders }]
