import { lockData } from './data-lock.ts'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { initializeData } from './initialize-data.ts'
import { nativesFor } from './natives.ts'
import { choosePlace } from './place.ts'
import { Supervisor } from './supervisor.ts'

/**
 * Starts PostgreSQL 18 on the home's data, which are made on the first start, and comes when it answers. A crash of PostgreSQL is followed by
 * a new start; the death of this process, of whatever kind, by a stop of PostgreSQL.
 * Throws DataInUseError when a living process has the data, and EmbeddedPostgresError when it cannot be started.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    const place = await choosePlace(options.home, options.onProgress, options.state_directory)
    const lock = await lockData(place)
    try {
      const natives = await nativesFor(place)
      const password = await initializeData(place, natives, options.onProgress)
      const supervisor = new Supervisor({ place, natives, password, lock, options })
      await supervisor.start()
      return supervisor
    } catch (error) {
      lock.release()
      throw error
    }
  } catch (error) {
    throw inPlainWords(error, options.home)
  }
}

const REASONS: Record<string, string> = {
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'that disk can only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of disk space is used up',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
}

function inPlainWords(error: unknown, home: string): unknown {
  if (!(error instanceof Error && 'code' in error)) return error
  const reason = REASONS[String(error.code)]
  if (reason === undefined) return error
  // A write that fails does not know the name of its file.
  const path = 'path' in error ? error.path : home
  return new EmbeddedPostgresError(`Saldo cannot write to ${path}: ${reason}.`, { cause: error })
}
