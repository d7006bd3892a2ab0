import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { sealActs } from '#server/domains/audit/seal-acts.ts'
import { verifyActs } from '#server/domains/audit/verify-acts.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import type { Db } from '#server/platform/db/database.ts'
import { ensurePartitions } from '#server/platform/db/partitions.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { type TestLedger, testLedger } from '#test/support/ledger.ts'

const APPEND_ONLY = ['ledger.transfer', 'ledger.release', 'orders.order_event', 'audit.act']

/** A house in whose tables no month has a partition, as after a season without a scheduler: all that it does falls into the defaults. */
async function lateHouse(): Promise<TestLedger> {
  const ledger = await testLedger(2)
  const { db } = ledger
  const months = await db.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = any ($1::regclass[]) and inhrelid::regclass::text like '%\\_y____m__'`,
    [APPEND_ONLY],
  )
  for (const { name } of months) await db.query(`drop table ${name}`)
  await live(ledger)
  await db.query(`insert into orders.order_event (order_id, version, kind, to_state, at)
    select 1, n + 1, 'placed', 'queued', date_trunc('month', now(), 'UTC') + make_interval(months => n, secs => 1) from generate_series(0, 1) n`)
  return ledger
}

/** Moves money and records acts, as it does every day. */
async function live({ db, wallets, fund, move }: TestLedger): Promise<void> {
  const [ann] = wallets as [bigint]
  await fund(ann, 100n)
  const hold = await move({ kind: 'hold', account: ann, amount: 10n })
  await move({ kind: 'release', hold, amount: 10n })
  await db.transaction(async (tx) => recordActs(tx, [{ action: 'a.b', actor: SYSTEM }]))
  await sealBlocks(db)
  await sealActs(db)
}

/** How many rows each table has in the default partition. */
async function inDefaults(db: Db): Promise<bigint[]> {
  const counts = await Promise.all(
    APPEND_ONLY.map((table) => db.query<{ count: bigint }>(`select count(*) from ${table}_default`)),
  )
  return counts.map(([row]) => row?.count ?? -1n)
}

test('rows that fell into the default partitions of append-only tables move into their months, and both chains hold', async () => {
  const ledger = await lateHouse()
  const { db } = ledger
  expect(await inDefaults(db)).toEqual([1n, 1n, 2n, 1n])
  await ensurePartitions(db, APPEND_ONLY)
  expect(await inDefaults(db)).toEqual([0n, 0n, 0n, 0n])
  for (const table of APPEND_ONLY) {
    const rows = await db.query<{ home: string; month: string }>(
      `select tableoid::regclass::text as home, to_char(at at time zone 'UTC', '"_y"YYYY"m"MM') as month from ${table}`,
    )
    expect(rows.map(({ home }) => home)).toEqual(rows.map(({ month }) => `${table}${month}`))
  }
  await live(ledger)
  expect(await ledger.wrong()).toEqual([])
  expect(await verifyActs(db)).toMatchObject({ ok: true, acts: 2n, unsealed: 0n })
})

test('nothing is changed by hand in a month that was filled so, or in its default partition', async () => {
  const { db } = await lateHouse()
  await ensurePartitions(db, APPEND_ONLY)
  for (const table of APPEND_ONLY) {
    // What comes too early for any month still falls into the default.
    const like = `json_populate_record(${table.split('.')[1]}, json_build_object('at', now() + interval '3 years'))`
    await db.query(`insert into ${table} select (${like}).* from ${table} limit 1`)
    const homes = await db.query<{ home: string }>(`select distinct tableoid::regclass::text as home from ${table}`)
    expect(homes.map(({ home }) => home)).toContain(`${table}_default`)
    expect(homes.length).toBeGreaterThan(1)
    for (const sql of homes.flatMap(({ home }) => [
      `update ${home} set at = at`,
      `delete from ${home}`,
      `truncate ${home} cascade`,
    ])) {
      await expect(db.query(sql), sql).rejects.toMatchObject({ code: '23001' })
    }
  }
})

test('of many who start late at once one moves the rows, and whoever writes meanwhile loses nothing', async () => {
  const ledger = await lateHouse()
  const { db } = ledger
  const start = () => ensurePartitions(db, ['ledger.transfer'])
  const write = async () => {
    await ledger.fund(ledger.wallets[1] as bigint, 5n)
    return 0
  }
  const hold = 'lock table ledger.transfer in share row exclusive mode'
  const made = await atBarrier(db, (tx) => tx.query(hold), [start, start, start, write, write])
  expect(made.reduce((a, b) => a + b)).toBe(4)
  expect((await inDefaults(db))[0]).toBe(0n)
  await sealBlocks(db)
  expect(await ledger.wrong()).toEqual([])
  expect(await ledger.balance(ledger.wallets[1] as bigint)).toMatchObject({ posted: 10n })
})
