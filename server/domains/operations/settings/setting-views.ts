import { z } from 'zod'
import { DEFAULT } from '#server/platform/settings/change-setting.ts'
import { refusalOf, type SettingStep, type StandingSetting } from '#server/platform/settings/queries.ts'
import type { Setting } from '#server/platform/settings/setting.ts'

/** A setting as staff see it. */
export const settingShape = z.object({
  name: z.string().meta({ example: 'jobs.retry_base_ms' }),
  description: z.string(),
  unit: z.string().nullable().meta({ example: 'ms' }),
  schema: z.record(z.string(), z.unknown()).meta({ description: 'What it takes, as JSON Schema.' }),
  default: z.unknown().meta({ description: 'What holds while nobody has set anything.', example: 3000 }),
  value: z.unknown().meta({ description: 'What holds now.', example: 5000 }),
  is_default: z.boolean().meta({ description: 'Whether nothing is set, so that a new version may change what holds.' }),
  version: z.string().meta({ description: 'Send it back with a change; 0: never changed.', example: '3' }),
  changed_at: z.iso.datetime().nullable(),
  changed_by: z.string().nullable().meta({ example: 'user:7' }),
  reason: z.string().nullable(),
  refused: z
    .object({ value: z.unknown(), errors: z.array(z.object({ field: z.string(), reason: z.string() })) })
    .nullable()
    .meta({ description: 'What is stored but not as this version wants it; the default holds.' }),
})

/** A setting that is stored but unknown to this version: nobody reads it. */
export const unknownShape = z.object({
  name: z.string(),
  value: z.unknown(),
  version: z.string(),
  changed_at: z.iso.datetime().nullable(),
  changed_by: z.string().nullable(),
})

const stoodShape = z.object({
  is_default: z.boolean(),
  value: z.unknown().optional().meta({ description: 'Absent where nothing was set.' }),
})

/** One change of a setting. */
export const stepShape = z.object({
  version: z.string().meta({ example: '3' }),
  at: z.iso.datetime(),
  by: z.string().meta({ example: 'user:7' }),
  before: stoodShape,
  after: stoodShape,
  reason: z.string().meta({ example: 'The bank is slow today.' }),
})

/** What `standing` and the program together say of a setting. */
export function settingView(setting: Setting<unknown>, standing: StandingSetting): z.output<typeof settingShape> {
  const errors = refusalOf(setting, standing)
  const is_default = standing.value === DEFAULT
  return {
    name: setting.name,
    description: setting.description,
    unit: setting.unit ?? null,
    schema: jsonSchemaOf(setting),
    default: setting.default_value,
    value: is_default || errors.length > 0 ? setting.default_value : standing.value,
    is_default,
    version: String(standing.version),
    changed_at: standing.at?.toISOString() ?? null,
    changed_by: standing.actor,
    reason: standing.reason,
    refused: errors.length > 0 ? { value: standing.value, errors } : null,
  }
}

/** See unknownShape. */
export function unknownView({ name, value, version, at, actor }: StandingSetting): z.output<typeof unknownShape> {
  return {
    name,
    value: value === DEFAULT ? null : value,
    version: String(version),
    changed_at: at?.toISOString() ?? null,
    changed_by: actor,
  }
}

/** See stepShape. */
export function stepView({ version, at, actor, before, after, reason }: SettingStep): z.output<typeof stepShape> {
  return {
    version: String(version),
    at: at.toISOString(),
    by: actor,
    before: stoodView(before),
    after: stoodView(after),
    reason,
  }
}

function stoodView(value: unknown): z.output<typeof stoodShape> {
  return value === DEFAULT ? { is_default: true } : { is_default: false, value }
}

const schemas = new WeakMap<Setting<unknown>, Record<string, unknown>>()

/** What a setting takes, as JSON Schema. */
export function jsonSchemaOf(setting: Setting<unknown>): Record<string, unknown> {
  const known = schemas.get(setting)
  if (known) return known
  const { $schema, ...schema } = z.toJSONSchema(setting.schema, { io: 'input', unrepresentable: 'any' })
  schemas.set(setting, schema)
  return schema
}
