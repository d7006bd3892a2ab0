import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { findPackage } from '#server/platform/embedded-postgres/natives.ts'
import { aptGet, dependencyOf } from './apt.ts'

const execute = promisify(execFile)

/**
 * Fetches Debian's package with pgbench and unpacks it into `folder`, where a script `pgbench` starts it. Nothing is installed.
 * Throws SystemPackageError.
 */
export async function unpackPgbench(folder: string): Promise<void> {
  const fresh = `${folder}.${randomBytes(6).toString('hex')}`
  await mkdir(fresh, { recursive: true })
  try {
    const server = await dependencyOf('postgresql', /^postgresql-\d+$/)
    // What pgbench needs beyond the C library and libpq, which our own PostgreSQL brings.
    const openssl = await dependencyOf(server, /^libssl\d/)
    // The user that apt-get fetches as cannot write into our folder.
    await aptGet(['-o', 'APT::Sandbox::User=root', 'download', server, openssl], fresh)
    const unpacked = join(fresh, 'unpacked')
    for (const each of (await readdir(fresh)).filter((entry) => entry.endsWith('.deb'))) {
      await execute('dpkg-deb', ['--extract', join(fresh, each), unpacked])
      await rm(join(fresh, each))
    }
    await pickWhatIsNeeded(unpacked, fresh)
    await rm(unpacked, { recursive: true })
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function pickWhatIsNeeded(unpacked: string, folder: string): Promise<void> {
  const natives = (await findPackage()).directory
  const wanted = /^(pgbench|libpq\.so\.5\.\d+|lib(ssl|crypto)\.so\.[\d.]+)$/
  const found = [...(await filesIn(join(unpacked, 'usr/lib'))), ...(await filesIn(join(natives, 'lib')))]
  for (const path of found.filter((each) => wanted.test(basename(each)))) {
    // The programs that use libpq ask for it by its major version.
    await copyFile(
      path,
      join(
        folder,
        basename(path)
          .replace(/^libpq\.so\.5.*/, 'libpq.so.5')
          .replace(/^pgbench$/, 'program'),
      ),
    )
  }
  // From its own folder, for that is renamed.
  const script = '#!/bin/sh\nhere=$(dirname "$0")\nLD_LIBRARY_PATH="$here" exec "$here/program" "$@"\n'
  await writeFile(join(folder, 'pgbench'), script, { mode: 0o755 })
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
}
