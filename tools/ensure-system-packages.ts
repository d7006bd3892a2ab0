import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { aptGet, SystemPackageError } from './apt.ts'
import { unpackPgbench } from './unpack-pgbench.ts'

const execute = promisify(execFile)

const CHROMIUMS = [
  ...['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/** A program that a package of Debian's brings, by any of the names under which systems have it. */
interface Wanted {
  name: string
  programs: string[]
  package: string
  for: string
  /** What it ends with when it is asked for its version, where that is not 0. */
  version_exit?: number
}

const CHROMIUM: Wanted = { name: 'Chromium', programs: CHROMIUMS, package: 'chromium', for: 'the browser tests' }

const WRK: Wanted = { name: 'wrk', programs: ['wrk'], package: 'wrk', for: 'the bench', version_exit: 1 }

const SAMPLES = 'the tests of the samples at /docs'
const INTERPRETERS: Readonly<Record<'php' | 'python', Wanted>> = {
  php: { name: 'PHP', programs: ['php'], package: 'php-cli', for: SAMPLES },
  python: { name: 'Python', programs: ['python3'], package: 'python3', for: SAMPLES },
}

/** Answers the path of a Chromium, installed from Debian's packages where it is missing and we are root. Throws SystemPackageError. */
export function ensureChromium(onProgress: (text: string) => void): Promise<string> {
  return ensureInstalled(CHROMIUM, onProgress)
}

/** Answers the path of wrk, the load generator, as `ensureChromium` does. Throws SystemPackageError. */
export function ensureWrk(onProgress: (text: string) => void): Promise<string> {
  return ensureInstalled(WRK, onProgress)
}

/** Answers the path of what runs programs in this language, as `ensureChromium` does. Throws SystemPackageError. */
export function ensureInterpreter(language: 'php' | 'python', onProgress: (text: string) => void): Promise<string> {
  return ensureInstalled(INTERPRETERS[language], onProgress)
}

async function ensureInstalled(wanted: Wanted, onProgress: (text: string) => void): Promise<string> {
  const there = await firstThatRuns(wanted.programs, wanted.version_exit)
  if (there) return there
  if (process.getuid?.() !== 0 || !(await firstThatRuns(['apt-get']))) {
    throw new SystemPackageError(
      `${wanted.name} is missing. Install it (on Debian: apt-get install ${wanted.package}) and start again.`,
    )
  }
  onProgress(`Installing ${wanted.name} for ${wanted.for} (once) …`)
  await aptGet(['update'])
  await aptGet(['install', '--yes', '--no-install-recommends', wanted.package])
  const installed = await firstThatRuns(wanted.programs, wanted.version_exit)
  if (installed) return installed
  throw new SystemPackageError(`The package ${wanted.package} was installed, but brought no ${wanted.name} that runs.`)
}

const CACHE = join(import.meta.dirname, '../node_modules/.cache/pgbench')

/**
 * Answers the path of a pgbench. Where the system has none, Debian's package is unpacked beside our own: installing it would also set up and
 * start a database server. Throws SystemPackageError.
 */
export async function ensurePgbench(onProgress: (text: string) => void): Promise<string> {
  const cached = join(CACHE, 'pgbench')
  const there = await firstThatRuns([...(await pgbenchesIn('/usr/lib/postgresql')), 'pgbench', cached])
  if (there) return there
  if (!(await firstThatRuns(['apt-get']))) {
    throw new SystemPackageError('pgbench is missing. Install it with PostgreSQL (on Debian: package postgresql).')
  }
  onProgress('Fetching pgbench (once) …')
  if (process.getuid?.() === 0) await aptGet(['update'])
  await unpackPgbench(CACHE)
  const unpacked = await firstThatRuns([cached])
  if (!unpacked) throw new SystemPackageError(`The pgbench in ${CACHE} does not run. Install the package postgresql.`)
  return unpacked
}

/** How to start a Redis: the program, and the name that it wants to be called by. */
export interface RedisProgram {
  path: string
  argv0: string
}

/**
 * Answers a Redis server, from Debian's packages where it is missing and we are root. Throws SystemPackageError. Of them redis-tools has the program under another name
 * and starts nothing, where redis-server would set up a service.
 */
export async function ensureRedis(onProgress: (text: string) => void): Promise<RedisProgram> {
  const there = await firstThatRuns(['redis-server', 'valkey-server'])
  if (there) return { path: there, argv0: 'redis-server' }
  if (process.getuid?.() !== 0 || !(await firstThatRuns(['apt-get']))) {
    throw new SystemPackageError(
      'Redis is missing. Install it (on Debian: apt-get install redis-server) and start again.',
    )
  }
  const path = '/usr/bin/redis-check-rdb'
  if (!(await isProgram(path))) {
    onProgress('Installing Redis for the tests of what processes share (once) …')
    await aptGet(['update'])
    await aptGet(['install', '--yes', '--no-install-recommends', 'redis-tools'])
  }
  if (!(await isProgram(path)))
    throw new SystemPackageError('The package redis-tools was installed, but brought no Redis.')
  return { path, argv0: 'redis-server' }
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function pgbenchesIn(folder: string): Promise<string[]> {
  const versions = (await readdir(folder).catch(() => [])).map(Number).filter((each) => each > 0)
  return versions.sort((left, right) => right - left).map((version) => join(folder, String(version), 'bin', 'pgbench'))
}

/** The first of these programs that is there and, asked for its version, ends as expected. */
async function firstThatRuns(programs: string[], version_exit = 0): Promise<string | undefined> {
  for (const program of programs) {
    const path = program.includes('/') ? program : await onPath(program)
    const exit = await execute(path, ['--version']).then(
      () => 0,
      (error: { code?: unknown }) => error.code,
    )
    if (exit === version_exit) return path
  }
  return undefined
}

async function onPath(program: string): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program)
    if (await isProgram(path)) return path
  }
  return program
}
