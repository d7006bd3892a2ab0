import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emptyHome, forkOwner, killHard, queryOnce, until } from '#test/support/embedded-postgres.ts'
import { SMALL } from '#test/support/embedded-postgres-settings.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'

test('a first start that is killed in the middle leaves nothing that counts as data, and the next start prepares them anew', async () => {
  const home = await emptyHome()
  const owner = forkOwner(home)
  const half = () =>
    readdir(join(home, 'postgres')).then((entries) => entries.find((each) => each.startsWith('data.new-')))
  // PG_VERSION is among the first files that initdb writes, and pg_control among the last.
  await until(async () => {
    const entry = await half().catch(() => undefined)
    return entry !== undefined && (await isThere(join(home, 'postgres', entry, 'PG_VERSION')))
  })
  await killHard(owner)
  expect(await isThere(join(home, 'postgres', 'data'))).toBe(false)
  const { heard, url } = await start(home)
  expect(heard).toEqual(['Preparing the data folder of PostgreSQL (first start only) …', 'Starting PostgreSQL …'])
  expect(await queryOnce(url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await half()).toBe(undefined)
})

test('what several cut off first starts left behind is removed, passwords included', async () => {
  const home = await emptyHome()
  for (const mark of ['aa', 'bb']) {
    await mkdir(join(home, 'postgres', `data.new-${mark}`, 'base'), { recursive: true })
    await writeFile(join(home, 'postgres', `password.new-${mark}`), 'guess')
  }
  await start(home)
  expect((await readdir(join(home, 'postgres'))).filter((each) => each.includes('.new'))).toEqual([])
})

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function start(home: string): Promise<{ heard: string[]; url: string }> {
  const heard: string[] = []
  const postgres = await startEmbeddedPostgres({ home, onProgress: (text) => heard.push(text), settings: SMALL })
  onTestFinished(() => postgres.stop())
  return { heard, url: postgres.url }
}
