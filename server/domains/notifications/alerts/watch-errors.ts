import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { Observation } from './observe.ts'
import { alertErrorsPerMinute } from './settings.ts'

/** A failure that has not occurred for so long has passed, whether or not someone has resolved it. */
const QUIET_MINUTES = 15

/** So many have an alert of their own; where more fail at once, that many do is the news, and the list names them. */
const FAILURES_MAX = 20

/** A rate over less than this says little. */
const SPAN_MIN_MS = 30_000

const FAILING = statement(`
  select 'failure:' || id as subject, name as place, error, occurrences::float8 as count from platform.failure
  where resolved_at is null and last_at > $1::timestamptz - make_interval(mins => ${QUIET_MINUTES})
  order by first_at, id limit ${FAILURES_MAX}`)

const PASSED = statement(`
  select a.subject from notifications.alert a
  where a.kind = 'alert_critical_error' and a.cleared_at is null and a.good_since is null and not exists (
    select from platform.failure f
    where 'failure:' || f.id = a.subject and f.resolved_at is null and f.last_at > $1::timestamptz - make_interval(mins => ${QUIET_MINUTES}))`)

const TOTAL = statement('select coalesce(sum(occurrences), 0)::float8 as total from platform.failure')

interface Failing {
  subject: string
  place: string
  error: string
  count: number
}

/** What fails now, each failure by itself; those that were alarmed about and have been resolved or quiet are well. Texts of errors stay in the house: the place and the class are told. */
export async function failureObservations(app: Pick<App, 'db'>, now: Date): Promise<Observation[]> {
  const [failing, passed] = await Promise.all([
    app.db.query<Failing>(FAILING, [now]),
    app.db.query<{ subject: string }>(PASSED, [now]),
  ])
  return [
    ...failing.map(({ subject, ...wrong }): Observation => ({ kind: 'alert_critical_error', subject, wrong })),
    ...passed.map(({ subject }): Observation => ({ kind: 'alert_critical_error', subject, wrong: undefined })),
  ]
}

interface Look {
  at_ms: number
  total: number
}

/** The last look of this process: a rate needs two. */
const looks = new WeakMap<App['db'], Look>()

/** How many errors came in a minute since the last look; nothing is said at the first. Errors that were forgotten since make the rate smaller, never larger. */
export async function errorRateObservation(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<Observation[]> {
  const [row] = await app.db.query<{ total: number }>(TOTAL)
  const look = { at_ms: app.clock.monotonic_ms(), total: row?.total ?? 0 }
  const before = looks.get(app.db)
  if (before && look.at_ms - before.at_ms < SPAN_MIN_MS) return []
  looks.set(app.db, look)
  if (!before) return []
  const count = Math.round(((look.total - before.total) * 60_000) / (look.at_ms - before.at_ms))
  const many = count > app.settings.read(alertErrorsPerMinute)
  return [{ kind: 'alert_errors_many', wrong: many ? { count } : undefined }]
}
