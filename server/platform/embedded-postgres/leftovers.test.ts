import { spawn } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { copyOfHome, parentOf, preparedHome, queryOnce } from '#test/support/embedded-postgres.ts'
import { SMALL } from '#test/support/embedded-postgres-settings.ts'
import { clearLeftovers, postgresProcessesIn } from './leftovers.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'

let prepared: string
beforeAll(async () => {
  prepared = await preparedHome()
})
afterAll(() => rm(prepared, { recursive: true, force: true }))

test('a stranger who has got the pid in postmaster.pid is not harmed, and does not keep PostgreSQL from starting', async () => {
  const home = await copyOfHome(prepared)
  const data = join(home, 'postgres', 'data')
  // Of the user that PostgreSQL runs as, and working in its folder: as near to one of its own as a stranger can be.
  const run_as = process.getuid?.() === 0 ? await nobody() : {}
  const stranger = spawn('sleep', ['600'], { ...run_as, cwd: data, stdio: 'ignore' })
  onTestFinished(() => {
    stranger.kill()
  })
  await new Promise((resolve) => stranger.once('spawn', resolve))
  await writeFile(
    join(data, 'postmaster.pid'),
    `${stranger.pid}\n${data}\n1700000000\n5432\n\n127.0.0.1\n 12 34\nready\n`,
  )
  const postgres = await startEmbeddedPostgres({ home, onProgress: () => {}, settings: SMALL })
  onTestFinished(() => postgres.stop())
  expect(await queryOnce(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  expect(stranger.exitCode ?? stranger.signalCode).toBe(null)
})

test.runIf(process.platform === 'linux')(
  'a PostgreSQL that refuses to end is killed with all its processes',
  async () => {
    const home = await copyOfHome(prepared)
    const heard: string[] = []
    const postgres = await startEmbeddedPostgres({ home, onProgress: (text) => heard.push(text), settings: SMALL })
    onTestFinished(() => postgres.stop())
    const data = postgres.data_directory
    // The head is killed while the others are held still, so that they cannot notice; so is the watchdog, which would start it again.
    const hanging = queryOnce(postgres.url, 'select pg_backend_pid(), pg_sleep(600)').catch((error: Error) => error)
    const children = async () => (await postgresProcessesIn(data)).filter((pid) => pid !== postgres.pid)
    for (const pid of await children()) process.kill(pid, 'SIGSTOP')
    process.kill(await parentOf(postgres.pid), 'SIGSTOP')
    process.kill(postgres.pid, 'SIGKILL')
    const watchdog = await parentOf(postgres.pid)
    onTestFinished(() => {
      process.kill(watchdog, 'SIGCONT')
    })
    await clearLeftovers(data, (text) => heard.push(text))
    expect(await children()).toEqual([])
    expect(await hanging).toBeInstanceOf(Error)
    await expect(readFile(join(data, 'postmaster.pid'))).rejects.toThrow('ENOENT')
  },
)

test('another PostgreSQL on other data is left alone', async () => {
  const home = await copyOfHome(prepared)
  const other = await copyOfHome(prepared)
  const postgres = await startEmbeddedPostgres({ home: other, onProgress: () => {}, settings: SMALL })
  onTestFinished(() => postgres.stop())
  await writeFile(join(home, 'postgres', 'data', 'postmaster.pid'), `${postgres.pid}\n`)
  await clearLeftovers(join(home, 'postgres', 'data'), () => {})
  expect(await queryOnce(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

async function nobody(): Promise<{ uid: number; gid: number }> {
  const [, uid, gid] = /^nobody:[^:]*:(\d+):(\d+)/m.exec(await readFile('/etc/passwd', 'utf8')) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}
