/** The conditions of a list with filters, joined by `and`, and the values in them. */
export class Conditions {
  /** The parameters of the statement. */
  readonly values: unknown[] = []
  readonly #conditions: string[] = []

  /** Takes a value up and answers its place: `$3`. */
  value(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** Takes up a condition in SQL, whose values are places from `value`. */
  add(condition: string): void {
    this.#conditions.push(`(${condition})`)
  }

  /** For behind `where`. */
  get sql(): string {
    return this.#conditions.join(' and ') || 'true'
  }
}

/** `text` as the beginning that `like` looks for, with its own signs meant literally. */
export function startingWith(text: string): string {
  return `${text.replaceAll(/[\\%_]/g, '\\$&')}%`
}
