import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { postgresProcessesIn } from '#server/platform/embedded-postgres/leftovers.ts'
import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'
import { SMALL } from './embedded-postgres-settings.ts'

const require = createRequire(import.meta.url)

/** An empty folder, removed when the test ends. Others may enter it, as a project's folder usually allows. */
export async function emptyHome(mode = 0o755): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'saldo-test-'))
  await chmod(home, mode)
  onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }))
  return home
}

/** Makes a home whose data are prepared, for `copyOfHome`. The caller removes it. */
export async function preparedHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'saldo-test-'))
  await chmod(home, 0o755)
  const postgres = await startEmbeddedPostgres({ home, onProgress: () => {}, settings: SMALL })
  await postgres.stop()
  return home
}

/** A home of the test's own with the same data: copying takes a tenth of preparing. */
export async function copyOfHome(prepared: string): Promise<string> {
  const home = await emptyHome()
  execFileSync('cp', ['-a', `${prepared}/.`, home])
  // Else all copies would begin on the port of the first.
  await rm(join(home, 'postgres', 'port'))
  return home
}

/** Another process that owns a PostgreSQL. */
export interface Owner {
  readonly process: ChildProcess
  readonly url: string
  readonly postgres_pid: number
}

/** Starts that process in a group of its own, and comes when its PostgreSQL answers. Killed when the test ends. */
export async function startOwner(home: string): Promise<Owner> {
  const owner = forkOwner(home)
  const message = await new Promise<{ url: string; pid: number }>((resolve, reject) => {
    owner.once('message', (each: { url: string; pid: number }) => resolve(each))
    owner.once('exit', (code) => reject(new Error(`the owner ended with ${code}`)))
  })
  return { process: owner, url: message.url, postgres_pid: message.pid }
}

/** Starts that process without waiting for its PostgreSQL. */
export function forkOwner(home: string): ChildProcess {
  const owner = fork(require.resolve('./embedded-postgres-owner.ts'), [home], { detached: true, execArgv: [] })
  onTestFinished(() => {
    owner.kill('SIGKILL')
  })
  return owner
}

/** Kills a process as nothing can refuse, and comes when it is gone. */
export async function killHard(victim: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => victim.once('exit', resolve))
  victim.kill('SIGKILL')
  await gone
}

/** Comes when no PostgreSQL works on the home's data any more; fails after 20 s. */
export async function untilNoPostgres(home: string): Promise<void> {
  await until(async () => (await postgresProcessesIn(join(home, 'postgres', 'data'))).length === 0)
}

/** Comes when `holds` does; fails after 20 s, which is much longer than anything here takes. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it did not come about in 20 s: ${holds}`)
    await wait(20)
  }
}

/** Runs one statement on a connection of its own. */
export async function queryOnce<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}

/** What the home's PostgreSQL has logged. */
export function logOf(home: string): Promise<string> {
  return readFile(join(home, 'postgres.log'), 'utf8')
}

/** The pid of a process's parent, on Linux. */
export async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^PPid:\t(\d+)$/m.exec(status)?.[1])
}
