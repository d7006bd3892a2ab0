import { isDeepStrictEqual } from 'node:util'
import { statement, type Tx } from '../db/database.ts'
import { refuseBadInput } from '../http/input.ts'
import { SettingRefusedError, StaleSettingError } from './errors.ts'
import { parseSetting, SETTING_VALUE_MAX, type Setting, valueErrors } from './setting.ts'

/** The value of a setting that nobody has set: whatever this version of the program takes. */
export const DEFAULT = Symbol('default')

/** What somebody wants of a setting. */
export interface ChangeSetting {
  setting: Setting<unknown>
  /** As it is stored: JSON. DEFAULT takes back what was set. */
  value: unknown
  /** The version that was read; 0 of one never changed. */
  version: bigint
  /** Who: `user:7`, `command`. */
  actor: string
  /** Why: 1 to REASON_MAX characters. */
  reason: string
}

/** The column's own limit. */
export const REASON_MAX = 500

/** What stood and what stands, as stored; DEFAULT where nothing is. The versions are the same when nothing had to be changed. */
export interface SettingChanged {
  before: unknown
  after: unknown
  version_before: bigint
  version: bigint
}

const STANDING = statement(`
select version, value::text as value from platform.setting_change where name = $1 order by version desc limit 1`)

// Of two who saw the same version the second waits for the first and then finds the number taken.
const CHANGE = statement(`
insert into platform.setting_change (name, version, value, actor, reason)
values ($1, $2::bigint + 1, $3::jsonb, $4, $5)
on conflict do nothing returning version`)

/**
 * Sets a setting, or takes it back to its default. A change to what stands already writes nothing. Throws InvalidRequestError for what no database takes,
 * SettingRefusedError for a value that the schema refuses, StaleSettingError when `version` is not the present one. After the commit every process
 * knows it within a second.
 */
export async function changeSetting(tx: Tx, change: ChangeSetting): Promise<SettingChanged> {
  const { setting, value, version, actor, reason } = change
  const text = value === DEFAULT ? null : checkedText(setting, value)
  const [standing] = await tx.query<{ version: bigint; value: string | null }>(STANDING, [setting.name])
  const present = standing?.version ?? 0n
  if (version !== present) throw new StaleSettingError(present)
  const before = storedValue(standing?.value)
  const unchanged = { before, after: before, version_before: present, version: present }
  if (isDeepStrictEqual(before, storedValue(text))) return unchanged
  const [changed] = await tx.query<{ version: bigint }>(CHANGE, [setting.name, version, text, actor, reason])
  if (!changed) throw new StaleSettingError(await versionOf(tx, setting.name))
  return { ...unchanged, after: value, version: changed.version }
}

/** What a column or a row that is not there says: JSON, or DEFAULT. */
export function storedValue(text: string | null | undefined): unknown {
  return text === null || text === undefined ? DEFAULT : JSON.parse(text)
}

function checkedText(setting: Setting<unknown>, value: unknown): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new SettingRefusedError([{ field: 'value', reason: 'is required' }])
  if (text.length > SETTING_VALUE_MAX) {
    const reason = `must have at most ${SETTING_VALUE_MAX} characters as JSON`
    throw new SettingRefusedError([{ field: 'value', reason }])
  }
  refuseBadInput({ value }, 'body')
  const parsed = parseSetting(setting, value)
  if (!parsed.success) throw new SettingRefusedError(valueErrors(parsed.error))
  return text
}

async function versionOf(tx: Tx, name: string): Promise<bigint> {
  const [standing] = await tx.query<{ version: bigint }>(STANDING, [name])
  return standing?.version ?? 0n
}
