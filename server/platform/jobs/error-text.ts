/** The column's limit, and enough to recognise a failure by. */
const ERROR_LENGTH_MAX = 2_000

/** What went wrong, as text to be stored: cut, and without the NUL that PostgreSQL does not take. */
export function errorText(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return text.replaceAll('\0', '').slice(0, ERROR_LENGTH_MAX)
}
