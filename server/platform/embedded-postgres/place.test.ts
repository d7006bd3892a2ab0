import { mkdir, readdir, readlink, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { emptyHome } from '#test/support/embedded-postgres.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { choosePlace } from './place.ts'

const quiet = () => {}

test('the data lie in the home when its user can enter it', async () => {
  const home = await emptyHome()
  const place = await choosePlace(home, quiet)
  expect(place.directory).toBe(join(home, 'postgres'))
})

// Only root starts PostgreSQL as another user.
describe.runIf(process.getuid?.() === 0)('where nobody cannot enter the home', () => {
  test('the data lie in the state folder, the home links there, and each start says so', async () => {
    const { home, state } = await setup()
    const heard: string[] = []
    const place = await choosePlace(home, (text) => heard.push(text), state)
    expect(await readlink(join(home, 'postgres'))).toBe(place.directory)
    expect(join(place.directory, '..')).toBe(state)
    expect((await choosePlace(home, (text) => heard.push(text), state)).directory).toBe(place.directory)
    expect(heard).toEqual(
      Array(2).fill(`The data lies in ${place.directory}, for the user nobody cannot enter ${home}.`),
    )
  })

  test('a home that moves keeps its data, and a new home at the same path begins anew', async () => {
    const { home, state } = await setup()
    const first = await choosePlace(home, quiet, state)
    const moved = join(home, '..', 'moved')
    await rename(home, moved)
    expect((await choosePlace(moved, quiet, state)).directory).toBe(first.directory)
    await mkdir(home)
    const second = await choosePlace(home, quiet, state)
    expect(second.directory).toBe(`${first.directory}-2`)
  })

  test('starters at the same moment agree on one place', async () => {
    const { home, state } = await setup()
    const places = await Promise.all([1, 2, 3, 4].map(() => choosePlace(home, quiet, state)))
    expect(new Set(places.map((place) => place.directory)).size).toBe(1)
    expect(await readdir(state)).toHaveLength(1)
  })

  test('a link to data that are gone is an error, and not a new beginning', async () => {
    const { home, state } = await setup()
    const place = await choosePlace(home, quiet, state)
    await rmdir(place.directory)
    await expect(choosePlace(home, quiet, state)).rejects.toThrow('links to a data folder that is gone')
  })

  test('data in a home that has been closed to nobody are an error that says what to do', async () => {
    const { home, state } = await setup()
    await mkdir(join(home, 'postgres'))
    await expect(choosePlace(home, quiet, state)).rejects.toThrow(EmbeddedPostgresError)
    await expect(choosePlace(home, quiet, state)).rejects.toThrow('chmod o+x')
  })
})

async function setup(): Promise<{ home: string; state: string }> {
  const closed = await emptyHome(0o700)
  const state = await emptyHome()
  const home = join(closed, 'home')
  await mkdir(home)
  await rm(state, { recursive: true })
  return { home, state }
}
