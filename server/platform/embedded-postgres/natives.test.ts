import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, readdir, readlink, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { emptyHome } from '#test/support/embedded-postgres.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { findPackage, type NativePackage, nativesFor } from './natives.ts'
import { choosePlace } from './place.ts'

test('a package as npm leaves it without its install script is repaired, by several at once too', async () => {
  const { packaged, place } = await setup()
  const answers = await Promise.all([1, 2, 3, 4].map(() => nativesFor(place, packaged)))
  expect(new Set(answers)).toEqual(new Set([packaged.directory]))
  expect(await readlink(join(packaged.directory, 'lib', 'libpq.so.5'))).toMatch(/^libpq\.so\.5\.\d+$/)
  expect((await readdir(join(packaged.directory, 'lib'))).filter((each) => /\.[0-9a-f]{12}$/.test(each))).toEqual([])
  const printed = execFileSync(join(packaged.directory, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' })
  expect(printed).toMatch(/^postgres \(PostgreSQL\) 18\./)
})

describe.runIf(process.getuid?.() === 0)('started by root', () => {
  test('a package that nobody cannot enter is copied beside the data, once a version', async () => {
    const { packaged, place } = await setup()
    await chmod(join(packaged.directory, '..'), 0o700)
    await mkdir(join(place.directory, 'natives-0.0.1'))
    const copy = await nativesFor(place, packaged)
    expect(copy).toBe(join(place.directory, `natives-${packaged.version}`))
    expect((await readdir(place.directory)).filter((each) => each.startsWith('natives'))).toEqual([
      `natives-${packaged.version}`,
    ])
    const { ino } = await stat(copy)
    expect(await nativesFor(place, packaged)).toBe(copy)
    expect((await stat(copy)).ino).toBe(ino)
  })

  test('a package that was installed under a strict umask is copied with modes that let nobody run it', async () => {
    const { packaged, place } = await setup()
    execFileSync('chmod', ['-R', 'go-rwx', packaged.directory])
    expect(await nativesFor(place, packaged)).toBe(join(place.directory, `natives-${packaged.version}`))
  })
})

test('programs that do not run here are an error that tells why and names the way out', async () => {
  const { packaged, place } = await setup()
  await rm(join(packaged.directory, 'lib', 'libxml2.so.2'))
  await rm(join(packaged.directory, 'lib', 'libssl.so.1.1'))
  const error = await nativesFor(place, packaged).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(EmbeddedPostgresError)
  expect(String(error)).toMatch(/libxml2\.so\.2|libssl\.so\.1\.1/)
  expect(String(error)).toContain('DATABASE_URL')
})

async function setup() {
  const there = await findPackage()
  const home = await emptyHome()
  const directory = join(home, 'package', 'native')
  await cp(there.directory, directory, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  })
  for (const entry of await readdir(join(directory, 'lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(directory, 'lib', entry.name))
  }
  for (const program of await readdir(join(directory, 'bin'))) await chmod(join(directory, 'bin', program), 0o644)
  const packaged: NativePackage = { directory, version: there.version }
  return { packaged, place: await choosePlace(home, () => {}) }
}
