import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstat, mkdir, readFile, realpath, rmdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'

/** The user under which PostgreSQL runs, where it is not the one who started Saldo. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** Where one PostgreSQL keeps its things. */
export interface Place {
  /** Holds the data, the lock and the password; only its starter writes here. */
  readonly directory: string
  readonly data: string
  readonly password_file: string
  readonly log_file: string
  readonly run_as: RunAs | undefined
}

/** Where the data goes when `nobody` cannot enter the home, as under /root. */
const STATE_DIRECTORY = '/var/lib/saldo'

/**
 * Answers the place that belongs to `home`, made on the first call: `home/postgres`, or a folder under `state_directory` to which
 * `home/postgres` then links, so that removing the home forgets the data and moving it does not. Throws EmbeddedPostgresError.
 */
export async function choosePlace(
  home: string,
  onProgress: (text: string) => void,
  state_directory = STATE_DIRECTORY,
): Promise<Place> {
  await mkdir(home, { recursive: true })
  const run_as = process.getuid?.() === 0 ? await nobody() : undefined
  const entry = join(home, 'postgres')
  if (!(await exists(entry))) await make(entry, run_as, state_directory)
  const directory = await realpath(entry).catch((cause: Error) => {
    throw new EmbeddedPostgresError(
      `${entry} links to a data folder that is gone. Put that folder back, or remove the link to begin with empty data.`,
      { cause },
    )
  })
  if (run_as && !canEnter(run_as, directory)) {
    throw new EmbeddedPostgresError(
      `PostgreSQL runs as the user nobody, who can no longer enter ${directory}. Allow it (chmod o+x on that folder and those above it).`,
    )
  }
  if (directory !== (await realpath(home)) && (await lstat(entry)).isSymbolicLink()) {
    onProgress(`The data lies in ${directory}, for the user nobody cannot enter ${home}.`)
  }
  return {
    directory,
    data: join(directory, 'data'),
    password_file: join(directory, 'password'),
    log_file: join(home, 'postgres.log'),
    run_as,
  }
}

/** PostgreSQL refuses to run as root; `nobody` exists on every Unix and owns nothing. */
async function nobody(): Promise<RunAs> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((each) => each.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  if (!uid || !gid) {
    throw new EmbeddedPostgresError(
      'PostgreSQL cannot run as root, and /etc/passwd knows no user nobody to run it as. Start Saldo as another user.',
    )
  }
  return { uid: Number(uid), gid: Number(gid) }
}

async function make(entry: string, run_as: RunAs | undefined, state_directory: string): Promise<void> {
  const home = join(entry, '..')
  if (!run_as || canEnter(run_as, home)) {
    // 755 where another user must pass through to its data; what is secret in here has a mode of its own.
    await mkdir(entry, { recursive: true, mode: run_as ? 0o755 : 0o700 })
    return
  }
  const target = await makeStateFolder(await realpath(home), state_directory)
  try {
    await symlink(target, entry)
  } catch (error) {
    // A twin that starts at this moment was first: its link counts.
    await rmdir(target)
    if (!isCode(error, 'EEXIST')) throw error
  }
}

/** A new folder named after the home. A number is added where an earlier home at the same path left its data behind. */
async function makeStateFolder(home: string, state_directory: string): Promise<string> {
  await mkdir(state_directory, { recursive: true, mode: 0o755 })
  const name = createHash('sha256').update(home).digest('hex').slice(0, 16)
  for (let number = 1; ; number++) {
    const target = join(state_directory, number === 1 ? name : `${name}-${number}`)
    try {
      await mkdir(target, { mode: 0o755 })
      return target
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
    }
  }
}

/** Tried and not computed: modes, access lists and mounts all have a say. */
function canEnter(run_as: RunAs, directory: string): boolean {
  const tried = spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { ...run_as, cwd: '/', stdio: 'ignore' })
  if (tried.error) {
    throw new EmbeddedPostgresError(`Saldo cannot start a program as the user nobody: ${tried.error.message}`, {
      cause: tried.error,
    })
  }
  return tried.status === 0
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
