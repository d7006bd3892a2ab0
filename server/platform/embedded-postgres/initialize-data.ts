import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newSecret } from '#server/kit/id.ts'
import { EmbeddedPostgresError, reasonIn } from './errors.ts'
import { startGuarded } from './guarded-process.ts'
import type { Place } from './place.ts'

/** The database's user: owner of everything, known to this machine's Saldo alone. */
export const SUPERUSER = 'saldo'

const MAJOR = '18'

/**
 * Prepares the data folder on the first start; one that was cut off is thrown away and made anew, for the folder gets its name when it is
 * whole. Answers the superuser's password. The caller holds the place's lock. Throws EmbeddedPostgresError.
 */
export async function initializeData(
  place: Place,
  natives: string,
  onProgress: (text: string) => void,
): Promise<string> {
  await removeHalfMade(place)
  const version = await readIfThere(join(place.data, 'PG_VERSION'))
  const password = await readIfThere(place.password_file)
  if (version !== undefined) {
    if (version.trim() !== MAJOR) {
      throw new EmbeddedPostgresError(
        `The data in ${place.data} was made by PostgreSQL ${version.trim()}, and this version of Saldo brings PostgreSQL ${MAJOR}.`,
      )
    }
    if (password === undefined) {
      throw new EmbeddedPostgresError(
        `${place.password_file} is missing; without it nobody can open the data beside it.`,
      )
    }
    return password
  }
  if (await isThere(place.data)) {
    throw new EmbeddedPostgresError(
      `${place.data} is not a data folder of PostgreSQL. Move it away to begin with empty data.`,
    )
  }
  onProgress('Preparing the data folder of PostgreSQL (first start only) …')
  return makeData(place, natives, password ?? (await makePassword(place)))
}

async function makePassword(place: Place): Promise<string> {
  const password = newSecret()
  await writeFile(`${place.password_file}.new`, password, { mode: 0o600, flush: true })
  await rename(`${place.password_file}.new`, place.password_file)
  return password
}

async function makeData(place: Place, natives: string, password: string): Promise<string> {
  const mark = randomBytes(6).toString('hex')
  const fresh = join(place.directory, `data.new-${mark}`)
  // initdb reads the password from a file, as the user that it runs as.
  const pwfile = join(place.directory, `password.new-${mark}`)
  await mkdir(fresh, { mode: 0o700 })
  await writeFile(pwfile, password, { mode: 0o600 })
  if (place.run_as) {
    await Promise.all([fresh, pwfile].map((path) => chown(path, place.run_as?.uid ?? 0, place.run_as?.gid ?? 0)))
  }
  const initdb = await startGuarded({
    file: join(natives, 'bin', 'initdb'),
    // The built-in C.UTF-8 sorts and compares alike on every system, whatever its libraries are updated to.
    args: [
      ...['-D', fresh, '-U', SUPERUSER, '--pwfile', pwfile, '--auth', 'scram-sha-256', '--no-instructions'],
      ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ],
    run_as: place.run_as,
    log_file: place.log_file,
    stops: [{ signal: 'SIGKILL', wait_ms: 10_000 }],
  })
  const ending = await initdb.ended
  if (ending?.code !== 0) {
    await removeHalfMade(place)
    throw new EmbeddedPostgresError(
      `PostgreSQL could not prepare its data in ${place.directory}: ${reasonIn(ending?.lines ?? '')}.\n${ending?.lines ?? ''}`,
    )
  }
  await rm(pwfile)
  await rename(fresh, place.data)
  await syncFolder(place.directory)
  return password
}

/** Without this, a loss of power may forget the new name. */
async function syncFolder(directory: string): Promise<void> {
  const handle = await open(directory)
  await handle.sync()
  await handle.close()
}

async function removeHalfMade(place: Place): Promise<void> {
  for (const entry of await readdir(place.directory)) {
    if (!/^(data|password)\.new/.test(entry)) continue
    // An initdb that was just killed may still write a last file.
    await rm(join(place.directory, entry), { recursive: true, force: true, maxRetries: 5 })
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return (await isThere(path)) ? readFile(path, 'utf8') : undefined
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
