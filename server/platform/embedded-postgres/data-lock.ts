import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import { DataInUseError } from './errors.ts'
import type { Place } from './place.ts'

/** The right to run PostgreSQL on one place. It ends with `release` or with the process, however that dies. */
export interface DataLock {
  /** Tells those who are refused where this owner's PostgreSQL answers. */
  publish(url: string): void
  release(): void
}

// A process killed a moment ago holds its lock until the kernel has cleared it away.
const WAIT_MS = 1_000

// Pins the locks: a handle that is collected as garbage would let its lock go.
const held = new Set<DatabaseSync>()

/**
 * Takes the lock of a place. SQLite serves as the lock alone: it is the one way in Node to a lock of the kernel on a file, which
 * unlike a pid in a file cannot go stale. Throws DataInUseError when another process holds it, or this one does already.
 */
export async function lockData(place: Place): Promise<DataLock> {
  const lock_file = join(place.directory, 'lock')
  makeFile(lock_file)
  const owner_file = join(place.directory, 'owner.json')
  const lock = new DatabaseSync(lock_file)
  try {
    const deadline = performance.now() + WAIT_MS
    while (!tryLock(lock)) {
      if (performance.now() > deadline) throw new DataInUseError(place.data, readOwner(owner_file))
      await wait(50)
    }
    writeOwner(owner_file, { pid: process.pid })
  } catch (error) {
    lock.close()
    throw error
  }
  held.add(lock)
  return {
    publish: (url) => writeOwner(owner_file, { pid: process.pid, url }),
    release: () => {
      if (held.delete(lock)) lock.close()
    },
  }
}

/** For its owner's eyes: whoever can read a file can lock it. An existing one is not opened, for closing it would free this process's lock. */
function makeFile(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

const SQLITE_BUSY = 5

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('pragma journal_mode = memory; begin exclusive')
    return true
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false
    throw error
  }
}

// The address carries the password, so nobody else may read it.
function writeOwner(file: string, owner: { pid: number; url?: string }): void {
  writeFileSync(`${file}.new`, JSON.stringify(owner), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function readOwner(file: string): { pid: number | undefined; url: string | undefined } {
  try {
    const owner: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof owner !== 'object' || owner === null) return { pid: undefined, url: undefined }
    return {
      pid: 'pid' in owner && typeof owner.pid === 'number' ? owner.pid : undefined,
      url: 'url' in owner && typeof owner.url === 'string' ? owner.url : undefined,
    }
  } catch {
    // The owner took the lock this very moment and has not written yet; the refusal stands without its name.
    return { pid: undefined, url: undefined }
  }
}
