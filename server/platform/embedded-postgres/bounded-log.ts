import { appendFileSync, chmodSync, renameSync, statSync } from 'node:fs'

/** Two files of this size at most: enough to look back for weeks, and never what fills a disk. */
const FILE_BYTES_MAX = 10 * 1024 * 1024

/** The last words of a program are kept in memory for its parent's error message. */
const TAIL_CHARACTERS_MAX = 4_000
const TAIL_LINES_MAX = 12

/** Appends to a file, which becomes `<file>.1` when it is full, over the one before. */
export class BoundedLog {
  readonly #file: string
  #bytes: number
  #tail = ''

  /** Creates the file for the owner's eyes only: an error that PostgreSQL logs may quote a statement. */
  constructor(file: string) {
    this.#file = file
    appendFileSync(file, '', { mode: 0o600 })
    chmodSync(file, 0o600)
    this.#bytes = statSync(file).size
  }

  /** Never throws: a full disk must not kill whoever keeps the log. What cannot be written is still in `lastLines`. */
  write(chunk: Buffer): void {
    this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_CHARACTERS_MAX)
    try {
      if (this.#bytes + chunk.length > FILE_BYTES_MAX) {
        renameSync(this.#file, `${this.#file}.1`)
        this.#bytes = 0
      }
      appendFileSync(this.#file, chunk, { mode: 0o600 })
      this.#bytes += chunk.length
    } catch {
      // The place to report it is the very file that cannot be written.
    }
  }

  lastLines(): string {
    return this.#tail.trimEnd().split('\n').slice(-TAIL_LINES_MAX).join('\n')
  }
}
