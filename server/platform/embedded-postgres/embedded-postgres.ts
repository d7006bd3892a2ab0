/** A PostgreSQL of our own, which lives no longer than this process. */
export interface EmbeddedPostgres {
  /** Of the database `saldo`, with user and password. Stays the same while PostgreSQL is started again after a crash. */
  readonly url: string
  readonly data_directory: string
  /** Of the postmaster; another one after a crash. */
  readonly pid: number
  /** Ends PostgreSQL as it should be ended and comes when it has; then another process may start on the data. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** The SALDO_HOME; made when it is missing. */
  readonly home: string
  /** Hears in plain words what is being done, for those who wait. */
  readonly onProgress: (text: string) => void
  /** PostgreSQL's settings by name, over ours. */
  readonly settings?: Record<string, string>
  /** PostgreSQL ended by itself and could not be started again. Thrown, and so fatal, where this is not given. */
  readonly onFailure?: (error: Error) => void
  /** Where the data goes when `nobody` cannot enter the home; /var/lib/saldo without it. */
  readonly state_directory?: string
}
