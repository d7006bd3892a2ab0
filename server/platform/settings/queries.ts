import { type Db, statement } from '../db/database.ts'
import type { FieldError } from '../http/problem.ts'
import { DEFAULT, storedValue } from './change-setting.ts'
import { parseSetting, type Setting, valueErrors } from './setting.ts'

/** A setting as it stands in the database, for people. */
export interface StandingSetting {
  name: string
  /** Grows with each change; 0 while there was none. */
  version: bigint
  /** As stored; DEFAULT where nothing is. */
  value: unknown
  /** Of the last change; null while there was none. */
  at: Date | null
  actor: string | null
  reason: string | null
}

/** One change, newest first in lists. */
export interface SettingStep {
  version: bigint
  before: unknown
  after: unknown
  at: Date
  actor: string
  reason: string
}

/** Changes a page. */
export const STEPS_MAX = 100

const STANDING = statement(`
select distinct on (name) name, version, value::text as value, at, actor, reason
from platform.setting_change order by name, version desc`)

/** Every setting that was ever changed, by name; also those that this version does not know. */
export async function standingSettings(db: Db): Promise<Map<string, StandingSetting>> {
  const rows = await db.query<StandingSetting & { value: string | null }>(STANDING)
  return new Map(rows.map((row) => [row.name, { ...row, value: storedValue(row.value) }]))
}

/** A setting that was never changed. */
export function untouchedSetting(name: string): StandingSetting {
  return { name, version: 0n, value: DEFAULT, at: null, actor: null, reason: null }
}

/** Why the schema refuses what is stored; empty when it does not. A refused value is read as the default. */
export function refusalOf(setting: Setting<unknown>, standing: StandingSetting): FieldError[] {
  if (standing.value === DEFAULT) return []
  const parsed = parseSetting(setting, standing.value)
  return parsed.success ? [] : valueErrors(parsed.error)
}

const STEPS = statement(`
select step.version, step.value::text as after, previous.value::text as before, step.at, step.actor, step.reason
from platform.setting_change step
left join platform.setting_change previous on previous.name = step.name and previous.version = step.version - 1
where step.name = $1 and ($2::bigint is null or step.version < $2)
order by step.version desc limit $3`)

/** What became of a setting, newest first, below the version `before`, at most STEPS_MAX; and whether there are more behind it. */
export async function settingSteps(
  db: Db,
  name: string,
  page: { before?: bigint | undefined; limit?: number } = {},
): Promise<{ steps: SettingStep[]; has_more: boolean }> {
  const limit = Math.min(page.limit ?? STEPS_MAX, STEPS_MAX)
  const rows = await db.query<SettingStep & { before: string | null; after: string | null }>(STEPS, [
    name,
    page.before ?? null,
    limit + 1,
  ])
  const steps = rows
    .slice(0, limit)
    .map((row) => ({ ...row, before: storedValue(row.before), after: storedValue(row.after) }))
  return { steps, has_more: rows.length > limit }
}
