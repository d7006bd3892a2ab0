import type { Setting } from './setting.ts'

/** The settings as they stand now, in memory. */
export interface Settings {
  /**
   * What `setting` is set to. Synchronous, so that it can be asked on any path at any moment; never kept by the caller. What was committed a second ago is
   * known, as long as the database answers at all; while it does not, what was known last goes on. A stored value that the
   * schema refuses is told once and read as the default.
   */
  read<T>(setting: Setting<T>): T
  /** Reads the database now: afterwards all is known that was committed before the call. */
  refresh(): Promise<void>
  /** Comes when what is known is no older than a second. Throws when that cannot be had. */
  current(): Promise<void>
  close(): Promise<void>
}
