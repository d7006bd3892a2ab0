import { maskText } from '../telemetry/mask-text.ts'

/** The column's limit, and enough to recognise a failure by. */
const ERROR_LENGTH_MAX = 2_000

/** Looked at: a secret that this cut halves stands behind what is kept. */
const MASKED_MAX = 4 * ERROR_LENGTH_MAX

/** What went wrong, as text to be stored: secrets masked, cut, and without the NUL that PostgreSQL does not take. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return maskText(text.slice(0, MASKED_MAX)).replaceAll('\0', '').slice(0, ERROR_LENGTH_MAX).toWellFormed()
}
