import { expect, test } from 'vitest'
import { type TestLedger, testLedger } from '#test/support/ledger.ts'
import { sealBlocks } from './seal.ts'
import { verifyLedger } from './verify.ts'

/** A ledger with every kind of movement, the older part of it sealed. Ids by name. */
async function setup() {
  const ledger = await testLedger(3)
  const { db, world, wallets, post, move, fund, wrong } = ledger
  const [ann, bob, cid] = wallets as [bigint, bigint, bigint]
  const deposit = await fund(ann, 1_000n)
  const hold = await move({ kind: 'hold', account: ann, amount: 300n, subject: { kind: 'order', id: 7n } })
  const [settled] = await post({
    key: 'settle',
    movements: [
      { kind: 'capture', hold, credit: bob, amount: 100n, reason: 'order.capture' },
      { kind: 'transfer', debit: bob, credit: cid, amount: 40n, reason: 'share' },
      { kind: 'release', hold, amount: 50n },
    ],
  })
  if (!settled?.ok) throw new Error('not settled')
  const mistake = await move({ kind: 'transfer', debit: ann, credit: cid, amount: 5n, reason: 'mistake' })
  await sealBlocks(db)
  const reversal = await move({ kind: 'reverse', transfer: mistake, reason: 'mistake' })
  await sealBlocks(db)
  const late = await move({ kind: 'transfer', debit: bob, credit: ann, amount: 1n, reason: 'late' })
  await post({
    key: 'refused',
    movements: [{ kind: 'transfer', debit: cid, credit: world, amount: 999n, reason: 'no' }],
  })
  expect(await wrong()).toEqual([])
  const { id } = settled
  return {
    ...ledger,
    ann,
    bob,
    cid,
    deposit,
    hold,
    capture: id,
    share: id + 1n,
    release: id + 2n,
    mistake,
    reversal,
    late,
  }
}

type Known = Awaited<ReturnType<typeof setup>>

/** Changes rows as no statement of ours can. */
async function corrupt({ db }: TestLedger, sql: string, values: unknown[] = []): Promise<void> {
  await db.transaction(async (tx) => {
    tx.send('set local session_replication_role = replica')
    const rows = await tx.query(`with changed as (${sql} returning 1) select from changed`, values)
    expect(rows).toHaveLength(1)
  })
}

test('a sound ledger is proven, with its figures, while others go on writing', async () => {
  const { db, fund, ann } = await setup()
  const told: string[] = []
  const [proof] = await Promise.all([verifyLedger(db, { onProgress: (text) => told.push(text) }), fund(ann, 1n)])
  expect(proof).toMatchObject({ ok: true, problems: [], accounts: 4n, holds: 1n, releases: 1n, seals: 2n })
  expect(proof.head).toMatch(/^[0-9a-f]{64}$/)
  expect(told.length).toBeGreaterThan(10)
  expect(told.every((text) => text.startsWith('proven: '))).toBe(true)
})

test('an empty ledger is sound', async () => {
  const { db } = await testLedger(0)
  expect(await verifyLedger(db)).toMatchObject({ ok: true, transfers: 0n, head: null })
})

const first = (sql: string, value: (known: Known) => unknown, table: string, id: (known: Known) => unknown) => ({
  sql,
  value,
  names: (known: Known) => `${table} ${id(known)}`,
})

/** What was changed; whose row; and which row the proof names first. */
const CORRUPTIONS = [
  first(
    'update ledger.balance set posted = posted + 1 where account = $1',
    (k) => k.ann,
    'ledger.balance',
    (k) => k.ann,
  ),
  first(
    'update ledger.balance set held = held + 1 where account = $1',
    (k) => k.ann,
    'ledger.balance',
    (k) => k.ann,
  ),
  first(
    'update ledger.balance set version = version + 1 where account = $1',
    (k) => k.cid,
    'ledger.balance',
    (k) => k.cid,
  ),
  first(
    'delete from ledger.balance where account = $1',
    (k) => k.cid,
    'ledger.balance',
    (k) => k.cid,
  ),
  first(
    `update ledger.balance set asset = 'EUR' where account = $1`,
    (k) => k.cid,
    'ledger.asset',
    () => 'EUR',
  ),
  first(
    `update ledger.account_name set asset = 'EUR' where id = $1`,
    (k) => k.cid,
    'ledger.balance',
    (k) => k.cid,
  ),
  first(
    'update ledger.transfer set amount = amount + 1 where id = $1',
    (k) => k.deposit,
    'ledger.transfer',
    (k) => k.deposit,
  ),
  first(
    'update ledger.transfer set debit_posted = debit_posted + 1 where id = $1',
    (k) => k.share,
    'ledger.transfer',
    (k) => k.share,
  ),
  first(
    'update ledger.transfer set credit_version = credit_version + 7 where id = $1',
    (k) => k.late,
    'ledger.transfer',
    (k) => k.late,
  ),
  first(
    'update ledger.transfer set credit_held = 1 where id = $1',
    (k) => k.capture,
    'ledger.transfer',
    (k) => k.capture,
  ),
  first(
    'update ledger.transfer set hold = null where id = $1',
    (k) => k.capture,
    'ledger.transfer',
    (k) => k.capture,
  ),
  first(
    'delete from ledger.transfer where id = $1',
    (k) => k.late,
    'ledger.balance',
    (k) => k.ann,
  ),
  first(
    'update ledger.hold set amount = amount + 1 where id = $1',
    (k) => k.hold,
    'ledger.hold',
    (k) => k.hold,
  ),
  first(
    'update ledger.hold set captured = captured + 1 where id = $1',
    (k) => k.hold,
    'ledger.hold',
    (k) => k.hold,
  ),
  first(
    'update ledger.hold set released = released - 1 where id = $1',
    (k) => k.hold,
    'ledger.hold',
    (k) => k.hold,
  ),
  first(
    'update ledger.release set amount = amount + 1 where id = $1',
    (k) => k.release,
    'ledger.release',
    (k) => k.release,
  ),
  first(
    'delete from ledger.entry where id = $1',
    (k) => k.deposit,
    'ledger.entry',
    () => 'none',
  ),
  first(
    'update ledger.entry set id = id + 1 where id = $1',
    (k) => k.capture,
    'ledger.entry',
    () => 'none',
  ),
  first(
    `insert into ledger.entry (key, id, hash) select 'again', $1::bigint, gen_random_uuid()`,
    (k) => k.deposit,
    'ledger.entry',
    () => 'again',
  ),
  first(
    'update ledger.transfer set entry = id where id = $1',
    (k) => k.share,
    'ledger.entry',
    () => 'none',
  ),
  first(
    'update ledger.transfer set entry = entry - 1 where id = $1',
    (k) => k.share,
    'movement',
    (k) => k.share,
  ),
  first(
    'delete from ledger.reversal where transfer = $1',
    (k) => k.mistake,
    'ledger.reversal',
    (k) => k.mistake,
  ),
  first(
    'update ledger.reversal set reversed_by = transfer where transfer = $1',
    (k) => k.mistake,
    'ledger.reversal',
    (k) => k.mistake,
  ),
  first(
    `update ledger.transfer set reason = 'other' where id = $1`,
    (k) => k.deposit,
    'ledger.sealed_block',
    (k) => k.deposit >> 14n,
  ),
  first(
    'update ledger.hold set subject_id = 8 where id = $1',
    (k) => k.hold,
    'ledger.sealed_block',
    (k) => k.hold >> 14n,
  ),
  first(
    `update ledger.transfer set at = at + '1 s' where id = $1`,
    (k) => k.deposit,
    'ledger.sealed_block',
    (k) => k.deposit >> 14n,
  ),
  first(
    'delete from ledger.unsealed where block = $1',
    (k) => k.late >> 14n,
    'ledger.sealed_block',
    (k) => k.late >> 14n,
  ),
  first(
    'insert into ledger.unsealed select block, movements, at from ledger.sealed_block where block = $1',
    (k) => k.deposit >> 14n,
    'ledger.sealed_block',
    (k) => k.deposit >> 14n,
  ),
  first(
    'delete from ledger.sealed_block where block = $1',
    (k) => k.hold >> 14n,
    'ledger.seal',
    () => '1',
  ),
  first(
    'update ledger.sealed_block set first_line = first_line + 1 where block = $1',
    (k) => k.hold >> 14n,
    'ledger.seal',
    () => '1',
  ),
  first(
    'update ledger.sealed_block set hash = sha256(hash) where block = $1',
    (k) => k.hold >> 14n,
    'ledger.seal',
    () => '1',
  ),
  first(
    'update ledger.seal set hash = sha256(hash) where number = $1',
    () => 1,
    'ledger.seal',
    () => '1',
  ),
  first(
    'update ledger.seal set last_line = last_line + 1 where number = $1',
    () => 2,
    'ledger.seal',
    () => '2',
  ),
  first(
    'delete from ledger.seal where number = $1',
    () => 1,
    'ledger.seal',
    () => '2',
  ),
  first(
    'update ledger.line set movement = movement + 1 where version = 1 and account = $1',
    (k) => k.ann,
    'ledger.line',
    (k) => `account ${k.ann}, version 1`,
  ),
  first(
    'delete from ledger.line where version = 2 and account = $1',
    (k) => k.ann,
    'ledger.line',
    (k) => `account ${k.ann}, version 2`,
  ),
]

test.for(CORRUPTIONS)('what this changed is named: $sql', async ({ sql, value, names }) => {
  const known = await setup()
  await corrupt(known, sql, [value(known)])
  expect(await known.wrong()).toContain(names(known))
})
