import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  copyOfHome,
  killHard,
  logOf,
  parentOf,
  preparedHome,
  queryOnce,
  startOwner,
  until,
  untilNoPostgres,
} from '#test/support/embedded-postgres.ts'
import { SMALL } from '#test/support/embedded-postgres-settings.ts'
import { postgresProcessesIn } from './leftovers.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'

let prepared: string
beforeAll(async () => {
  prepared = await preparedHome()
})
afterAll(() => rm(prepared, { recursive: true, force: true }))

describe('when its owner dies', () => {
  test('by kill -9, PostgreSQL is shut down as it should be and the next start is clean', async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    await queryOnce(owner.url, 'create table kept as select 42 as answer')
    await killHard(owner.process)
    await untilNoPostgres(home)
    const { heard, postgres } = await start(home)
    expect(heard).toEqual(['Starting PostgreSQL …'])
    expect(await queryOnce(postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    expect(await logOf(home)).not.toContain('was not properly shut down')
  })

  test('with its whole process group, PostgreSQL is shut down all the same', async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    const gone = new Promise((resolve) => owner.process.once('exit', resolve))
    process.kill(-(owner.process.pid ?? 0), 'SIGKILL')
    await gone
    await untilNoPostgres(home)
    expect(await logOf(home)).toContain('database system is shut down')
  })

  test('and the next start comes at once, it waits for the shutdown instead of failing', async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    await killHard(owner.process)
    const { postgres } = await start(home)
    expect(await queryOnce(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test.runIf(process.platform === 'linux')(
    'together with the watchdog, the orphan is stopped by the next start',
    async () => {
      const home = await copyOfHome(prepared)
      const owner = await startOwner(home)
      await queryOnce(owner.url, 'create table kept as select 42 as answer')
      // Held still, so that it cannot notice the death of its watchdog before its own.
      owner.process.kill('SIGSTOP')
      process.kill(await parentOf(owner.postgres_pid), 'SIGKILL')
      await killHard(owner.process)
      expect(await postgresProcessesIn(join(home, 'postgres', 'data'))).toContain(owner.postgres_pid)
      const { heard, postgres } = await start(home)
      expect(heard[0]).toBe(`Stopping a PostgreSQL that an earlier run left behind (process ${owner.postgres_pid}) …`)
      expect(await postgresProcessesIn(join(home, 'postgres', 'data'))).not.toContain(owner.postgres_pid)
      expect(await queryOnce(postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    },
  )
})

describe('when PostgreSQL dies', () => {
  test('by kill -9, it is started again under the same address, with every row that was committed', async () => {
    const { heard, postgres } = await start(await copyOfHome(prepared))
    const { pid, url } = postgres
    await queryOnce(url, 'create table kept as select 42 as answer')
    process.kill(pid, 'SIGKILL')
    await until(async () => heard.includes('PostgreSQL answers again.'))
    expect(heard[1]).toBe('PostgreSQL ended unexpectedly (SIGKILL). Starting it again …')
    expect(postgres.url).toBe(url)
    expect(postgres.pid).not.toBe(pid)
    expect(await queryOnce(url, 'select answer from kept')).toEqual([{ answer: 42 }])
  })

  test('and its owner with it, the next start recovers in spite of the stale postmaster.pid', async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    await queryOnce(owner.url, 'create table kept as select 42 as answer')
    owner.process.kill('SIGSTOP')
    process.kill(owner.postgres_pid, 'SIGKILL')
    await killHard(owner.process)
    const { postgres } = await start(home)
    expect(await queryOnce(postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
    expect(await logOf(home)).toContain('was not properly shut down; automatic recovery in progress')
  })

  test('and cannot be started again, the owner hears why', async () => {
    const home = await copyOfHome(prepared)
    const failed = Promise.withResolvers<Error>()
    const { postgres } = await start(home, failed.resolve)
    await rm(join(home, 'postgres', 'data', 'global', 'pg_control'))
    process.kill(postgres.pid, 'SIGKILL')
    expect((await failed.promise).message).toContain('PostgreSQL ended and cannot be started again: ')
    await postgres.stop()
    await expect(start(home)).rejects.toThrow('PostgreSQL did not start')
  })
})

test.runIf(process.platform === 'linux')('when the watchdog dies, PostgreSQL gets another one', async () => {
  const home = await copyOfHome(prepared)
  const { heard, postgres } = await start(home)
  const watchdog = await parentOf(postgres.pid)
  process.kill(watchdog, 'SIGKILL')
  await until(async () => heard.includes('PostgreSQL answers again.'))
  expect(heard).toContain('PostgreSQL ended unexpectedly (its watchdog died). Starting it again …')
  expect(await parentOf(postgres.pid)).not.toBe(watchdog)
  await postgres.stop()
  expect(await postgresProcessesIn(postgres.data_directory)).toEqual([])
})

describe('in mid-write', () => {
  test('a stop keeps every row whose commit was answered', async () => {
    const { home, postgres } = await start(await copyOfHome(prepared))
    const writers = await startWriters(postgres.url)
    await postgres.stop()
    await expectAllKept(home, await writers.answered())
  })

  test('kill -9 of PostgreSQL keeps every row whose commit was answered', async () => {
    const { home, postgres } = await start(await copyOfHome(prepared))
    const writers = await startWriters(postgres.url)
    process.kill(postgres.pid, 'SIGKILL')
    const answered = await writers.answered()
    await postgres.stop()
    await expectAllKept(home, answered)
  })

  test('kill -9 of the owner keeps every row whose commit was answered', async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    const writers = await startWriters(owner.url)
    await killHard(owner.process)
    await expectAllKept(home, await writers.answered())
  })
})

const WRITERS = 4
const ENOUGH_ROWS = 200

/** Comes when enough rows are written; `answered` comes when the writers were cut off, with the ids that PostgreSQL had confirmed. */
async function startWriters(url: string): Promise<{ answered(): Promise<number[]> }> {
  await queryOnce(url, 'create table written (id int primary key)')
  const answered: number[] = []
  const enough = Promise.withResolvers<void>()
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    for (let row = 0; ; row++) {
      const id = row * WRITERS + writer
      try {
        await client.query('insert into written values ($1)', [id])
      } catch {
        // Cut off, which is what they wait for.
        return
      }
      answered.push(id)
      if (answered.length === ENOUGH_ROWS) enough.resolve()
    }
  })
  await enough.promise
  return {
    answered: async () => {
      await Promise.all(writers)
      return answered
    },
  }
}

async function expectAllKept(home: string, answered: number[]): Promise<void> {
  const { postgres } = await start(home)
  const rows = await queryOnce<{ id: number }>(postgres.url, 'select id from written')
  const kept = new Set(rows.map((row) => row.id))
  expect(answered.filter((id) => !kept.has(id))).toEqual([])
  // At most the one row that each writer had under way was written without an answer.
  expect(kept.size - answered.length).toBeLessThanOrEqual(WRITERS)
}

async function start(home: string, onFailure?: (error: Error) => void) {
  const heard: string[] = []
  const postgres = await startEmbeddedPostgres({
    home,
    onProgress: (text) => heard.push(text),
    settings: SMALL,
    ...(onFailure && { onFailure }),
  })
  onTestFinished(() => postgres.stop())
  return { home, heard, postgres }
}
