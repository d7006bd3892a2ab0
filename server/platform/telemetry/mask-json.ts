import { isSecretField } from './secret-fields.ts'
import { maskSecretValues } from './secret-values.ts'

const MASK = '***'

/** Deeper values are cut: what we store ourselves is flat. */
const DEPTH_MAX = 20

/**
 * A copy of what we have stored for people to look at: values of fields named like a secret are masked, and so is what is a secret by its form, wherever it
 * stands. bigint becomes text.
 */
export function maskJson(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskSecretValues(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth >= DEPTH_MAX) return '…'
  if (Array.isArray(value)) return value.map((item) => maskJson(item, depth + 1))
  const fields = Object.entries(value).map(([name, field]) => {
    return [maskSecretValues(name), isSecretField(name) ? MASK : maskJson(field, depth + 1)] as const
  })
  return Object.fromEntries(fields)
}
