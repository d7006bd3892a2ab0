import { z } from 'zod'
import { ADAPTERS } from './adapters.ts'
import { ProviderSettingError } from './errors.ts'
import { IDEMPOTENCIES } from './provider-row.ts'

// The bounds are those of the table's constraints; here they get words.
const SETTINGS = {
  name: z.string().trim().min(1).max(80),
  adapter: z
    .string()
    .refine((name) => Object.hasOwn(ADAPTERS, name), `expected one of: ${Object.keys(ADAPTERS).join(', ')}`),
  url: z.string().max(500).refine(isPlainUrl, 'expected http:// or https:// without user, password and fragment'),
  // Keys go into form fields and are searched for in every text that is logged: shorter ones stand in ordinary text by chance.
  key: z.string().regex(/^[\x21-\x7e]{8,500}$/, 'expected 8 to 500 characters without spaces'),
  enabled: z.boolean(),
  timeout_ms: z.int().min(100).max(120_000),
  concurrency: z.int().min(1).max(1_000),
  rate_per_second: z.int().min(1).max(10_000),
  statuses_max: z.int().min(1).max(100),
  idempotency: z.enum(IDEMPOTENCIES),
  idempotency_window_s: z.int().min(10).max(86_400),
  lists_orders: z.boolean(),
} as const

/** What a new provider is made of. */
export const NEW_PROVIDER = z.strictObject({
  ...SETTINGS,
  currency: z.string().regex(/^[A-Z][A-Z0-9]{1,11}$/, 'expected the code of an asset, such as USD'),
  adapter: SETTINGS.adapter.default('panel-v2'),
  enabled: SETTINGS.enabled.default(true),
  timeout_ms: SETTINGS.timeout_ms.default(15_000),
  concurrency: SETTINGS.concurrency.default(8),
  rate_per_second: SETTINGS.rate_per_second.default(20),
  statuses_max: SETTINGS.statuses_max.default(100),
  idempotency: SETTINGS.idempotency.default('none'),
  // The shortest that is known of providers.
  idempotency_window_s: SETTINGS.idempotency_window_s.default(120),
  lists_orders: SETTINGS.lists_orders.default(false),
})

// Not the currency: the figures that are stored are in it. Not the adapter: the orders that are open follow its ids.
const { adapter: _, ...CHANGEABLE } = SETTINGS

/** What may be changed of one. */
export const PROVIDER_CHANGE = z.strictObject(CHANGEABLE).partial()

/** A new provider. What is left out gets a cautious default. */
export type NewProvider = z.input<typeof NEW_PROVIDER>

/** Settings to change; those left out stay. */
export type ProviderChange = z.input<typeof PROVIDER_CHANGE>

/** Checks a new provider. Throws ProviderSettingError naming the first wrong field, never its value. */
export function readNewProvider(input: NewProvider): z.output<typeof NEW_PROVIDER> {
  return read(NEW_PROVIDER, input)
}

/** Checks a change. Throws ProviderSettingError. */
export function readProviderChange(input: ProviderChange): z.output<typeof PROVIDER_CHANGE> {
  return read(PROVIDER_CHANGE, input)
}

function read<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : []
  const field = [...(issue?.path ?? []), ...unknown].join('.')
  throw new ProviderSettingError(field, `${field}: ${issue?.message ?? 'not valid'}`)
}

/** A key in an address would end up in logs of every machine on the way. */
function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === ''
}
