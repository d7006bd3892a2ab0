import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { type Db, openDatabase } from '#server/platform/db/database.ts'
import { postgresProcessesIn } from '#server/platform/embedded-postgres/leftovers.ts'
import { emptyHome, killHard, until } from '../support/embedded-postgres.ts'

const require = createRequire(import.meta.url)

/** A round takes three to four seconds. */
const ROUNDS = Number(process.env.SALDO_TEST_CRASH_ROUNDS ?? 12)
const ROUND_MS_MAX = 30_000
/** How long it posts before it is killed: somewhere in here. */
const LIFE_MS = { min: 150, max: 1_200 }

type Victim = 'the process' | 'PostgreSQL' | 'both'
const VICTIMS: readonly Victim[] = ['PostgreSQL', 'the process', 'both']

/** A process that posts, and its PostgreSQL. */
interface Poster {
  process: ChildProcess
  url: string
  data: string
}

test('whatever is killed while it posts, all that was acknowledged is there once, and nothing by half', {
  timeout: ROUNDS * ROUND_MS_MAX,
}, async () => {
  const home = await emptyHome()
  const file = join(home, 'acknowledged')
  let poster = await startPoster(home, file, 0)
  let acknowledged = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const victim = VICTIMS[round % VICTIMS.length] as Victim
    await wait(LIFE_MS.min + Math.random() * (LIFE_MS.max - LIFE_MS.min))
    await kill(poster, victim)
    if (victim !== 'PostgreSQL') poster = await startPoster(home, file, round)
    const known = await prove(poster.url, file)
    expect(known, `round ${round}, after ${victim} was killed`).toBeGreaterThan(acknowledged)
    acknowledged = known
  }
})

async function startPoster(home: string, file: string, generation: number): Promise<Poster> {
  const program = require.resolve('./ledger-poster.ts')
  const child = fork(program, [home, file, String(generation)], { detached: true, execArgv: [] })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const { url, data } = await new Promise<{ url: string; data: string }>((resolve, reject) => {
    child.once('message', (message: { url: string; data: string }) => resolve(message))
    child.once('exit', (code, signal) => reject(new Error(`the poster ended with ${code ?? signal}`)))
  })
  const before = await linesOf(file)
  await until(async () => (await linesOf(file)).length > before.length)
  return { process: child, url, data }
}

async function kill(poster: Poster, victim: Victim): Promise<void> {
  const servers = await postgresProcessesIn(poster.data)
  if (victim !== 'the process') for (const pid of servers) killIfThere(pid)
  if (victim !== 'PostgreSQL') await killHard(poster.process)
}

/** A backend may have ended by itself since it was seen. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Proves the ledger as it lives, and answers how many acknowledged entries were found in it. */
async function prove(url: string, file: string): Promise<number> {
  const db = openDatabase({ url, connections: 4, application_name: 'crash test', onError: () => {} })
  try {
    await until(() =>
      db.query('select 1').then(
        () => true,
        () => false,
      ),
    )
    const lines = await linesOf(file)
    expect(await lost(db, lines)).toEqual([])
    expect(await halves(db)).toEqual([])
    expect((await verifyLedger(db)).problems).toEqual([])
    return lines.length
  } finally {
    await db.close()
  }
}

/** What was acknowledged: whole lines, each a key and its outcome. */
async function linesOf(file: string): Promise<string[]> {
  if (!existsSync(file)) return []
  return (await readFile(file, 'utf8')).split('\n').slice(0, -1)
}

/** Acknowledged outcomes that the ledger does not have just so. */
async function lost(db: Db, lines: string[]): Promise<string[]> {
  const rows = await db.query<{ line: string }>(
    `select line from unnest($1::text[]) as line
    where not exists (select from ledger.entry where key = split_part(line, ' ', 1)
      and coalesce(refusal, id::text) = split_part(line, ' ', 2))`,
    [lines],
  )
  return rows.map((row) => row.line)
}

/** Entries that have other movements than their key says. */
async function halves(db: Db): Promise<string[]> {
  const rows = await db.query<{ key: string }>(
    `with moved as (select entry, count(*) as movements from ledger.movement group by entry)
    select key from ledger.entry left join moved on moved.entry = entry.id
    where coalesce(movements, 0) <> case when refusal is null then split_part(key, ':', 5)::int else 0 end`,
  )
  return rows.map((row) => row.key)
}
