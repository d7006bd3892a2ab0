/** The PostgreSQL that comes with Saldo could not be prepared, started or kept running. The message says why and what to do, in plain words. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError'
}

/** Another living process runs PostgreSQL on this data. Whoever only wants to talk to the database may use its `url`. */
export class DataInUseError extends Error {
  override name = 'DataInUseError'
  readonly data_directory: string
  readonly owner_pid: number | undefined
  // Private, because it carries the password and errors are printed whole.
  readonly #url: string | undefined

  constructor(data_directory: string, owner: { pid: number | undefined; url: string | undefined }) {
    const who = owner.pid === undefined ? 'another process' : `process ${owner.pid}`
    super(
      `Saldo runs already on the data in ${data_directory} (${who}). Stop that one first, or give this one another SALDO_HOME.`,
    )
    this.data_directory = data_directory
    this.owner_pid = owner.pid
    this.#url = owner.url
  }

  /** Where the owner's PostgreSQL answers; undefined while the owner is still starting it. */
  get url(): string | undefined {
    return this.#url
  }
}

const REASONS: [RegExp, string][] = [
  [/No space left on device/, 'the disk is full'],
  [/Permission denied/, 'permission is denied'],
  [/Read-only file system/, 'its disk can only be read'],
  [/Cannot allocate memory/, 'there is too little memory'],
]

/** Words for what a program of PostgreSQL printed before it gave up. */
export function reasonIn(lines: string): string {
  return REASONS.find(([pattern]) => pattern.test(lines))?.[1] ?? 'its own last words are below'
}
