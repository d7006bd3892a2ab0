import { rightsOf } from '#server/domains/identity/rights/rights.ts'
import type { App } from '#server/platform/app.ts'
import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type Notice, tellUsers } from '../messages/tell-users.ts'
import { type NewMessage, writeMessages } from '../messages/write-messages.ts'
import type { Data, Kind } from '../texts/kinds.ts'
import { ALERT_COLUMNS, type Alert, CALM_MS, repeatAfter } from './alert.ts'
import { alertHouseChat, alertHouseEmail, alertHouseLocale } from './settings.ts'

/** Whom alerts are for. */
export const ALERTS_PERMISSION = 'alerts:read'

/** Alerts settled in one transaction; more come a moment later. */
const BATCH = 100

/** More members of staff than any house has. */
const STAFF_MAX = 2_000

const TAKE_WELL = statement(`
  select ${ALERT_COLUMNS} from notifications.alert a
  where a.cleared_at is null and a.good_since <= $1 order by a.id limit ${BATCH} for update skip locked`)

const CLEAR = statement(`
  update notifications.alert set cleared_at = $2, next_tell_at = null where id = any($1::bigint[])`)

const TAKE_DUE = statement(`
  select ${ALERT_COLUMNS} from notifications.alert a
  where a.next_tell_at <= $1 and a.good_since is null order by a.id limit ${BATCH} for update skip locked`)

const TOLD = statement(`
  update notifications.alert a set told_at = coalesce(a.told_at, $2), tellings = a.tellings + 1,
    next_tell_at = $2::timestamptz + new.wait_ms * interval '1 millisecond'
  from unnest($1::bigint[], $3::float8[]) as new (id, wait_ms) where a.id = new.id`)

const STAFF = statement(`
  select user_id, permissions, denied from identity.holder where staff and state = 'active' order by user_id limit ${STAFF_MAX}`)

/**
 * Brings alerts on: those that have lasted are told to staff, once and then at growing intervals; those that have been well for a while are closed, with one
 * all-clear for what had been told. Any number of workers may do so at once.
 */
export async function settleAlerts(app: Pick<App, 'db' | 'clock' | 'settings'>): Promise<void> {
  const now = app.clock.now()
  await app.db.transaction(async (tx) => {
    const well = await tx.query<Alert>(TAKE_WELL, [new Date(now.getTime() - CALM_MS)])
    const due = await tx.query<Alert>(TAKE_DUE, [now])
    if (well.length + due.length === 0) return
    const tellings = [...well.filter((alert) => alert.told_at !== null).map(allClear), ...due.map(telling)]
    await tellStaff(tx, now, app.settings, tellings)
    tx.send(CLEAR, [int8Array(well.map((alert) => alert.id)), now])
    const waits = due.map((alert) => repeatAfter(alert.tellings + 1))
    tx.send(TOLD, [int8Array(due.map((alert) => alert.id)), now, plainArray(waits)])
  })
}

interface Telling {
  key: string
  kind: Kind
  data: Data
}

function telling({ id, kind, data, tellings, raised_at }: Alert): Telling {
  return { key: `alert:${id}:${tellings + 1}`, kind, data: { ...data, since: raised_at.toISOString() } }
}

function allClear({ id, kind, data, raised_at, good_since }: Alert): Telling {
  const lasted_ms = (good_since ?? raised_at).getTime() - raised_at.getTime()
  const minutes = Math.max(1, Math.round(lasted_ms / 60_000))
  const since = raised_at.toISOString()
  return { key: `alert:${id}:clear`, kind: 'all_clear', data: { ...data, alert: kind, since, minutes } }
}

async function tellStaff(tx: Tx, now: Date, settings: App['settings'], tellings: readonly Telling[]): Promise<void> {
  if (tellings.length === 0) return
  const holders = await tx.query<{ user_id: bigint; permissions: string[]; denied: string[] }>(STAFF)
  const staff = holders.filter(({ permissions, denied }) => {
    return rightsOf({ granted: permissions, denied }).may(ALERTS_PERMISSION)
  })
  const notices: Notice[] = staff.flatMap(({ user_id }) =>
    tellings.map((each) => ({ ...each, key: `${each.key}:${user_id}`, user_id })),
  )
  await tellUsers(tx, now, notices)
  const locale = settings.read(alertHouseLocale)
  const house = [
    ['email', settings.read(alertHouseEmail)],
    ['telegram', settings.read(alertHouseChat)],
  ] as const
  const messages = house.flatMap(([channel, address]): NewMessage[] =>
    address === ''
      ? []
      : tellings.map((each) => ({ ...each, key: `${each.key}:house`, channel, user_id: null, address, locale })),
  )
  writeMessages(tx, now, messages)
}
