import { expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { testLedger } from '#test/support/ledger.ts'
import { ensureAccounts } from './ensure-accounts.ts'
import { type Entry, type EntryOutcome, MOVEMENTS_MAX, type Movement } from './entry.ts'
import { postEntries } from './post-entries.ts'

const MAX = 2n ** 63n - 1n

async function setup() {
  const ledger = await testLedger(2)
  const [ann, bob] = ledger.wallets as [bigint, bigint]
  const deposits = (count: number, prefix = 'deposit'): Entry[] =>
    Array.from({ length: count }, (_, i) => ({
      key: `${prefix} ${i}`,
      movements: [{ kind: 'transfer', debit: ledger.world, credit: i % 2 ? ann : bob, amount: 1n, reason: 'deposit' }],
    }))
  return { ...ledger, ann, bob, deposits }
}

test('no entries are no work', async () => {
  const { post } = await setup()
  expect(await post()).toEqual([])
})

test('as many movements as a block has ids are posted in one batch, and one more is refused before anything is asked of the database', async () => {
  const { post, deposits, balance, world } = await setup()
  const outcomes = await post(...deposits(MOVEMENTS_MAX))
  expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
  expect(await balance(world)).toMatchObject({ posted: -BigInt(MOVEMENTS_MAX), version: BigInt(MOVEMENTS_MAX) })
  await expect(post(...deposits(MOVEMENTS_MAX + 1, 'more'))).rejects.toThrow(InvariantError)
  expect(await balance(world)).toMatchObject({ version: BigInt(MOVEMENTS_MAX) })
})

test('one entry may have all movements of a block', async () => {
  const { post, deposits, balance, ann } = await setup()
  const movements = deposits(MOVEMENTS_MAX).flatMap((entry) => entry.movements)
  expect(await post({ key: 'all', movements })).toMatchObject([{ ok: true }])
  expect((await balance(ann)).posted).toBe(BigInt(MOVEMENTS_MAX / 2))
})

test('a thousand entries take as many statements as one', async () => {
  const { db, deposits, move, fund, ann, bob } = await setup()
  await fund(ann, 10_000n)
  const holds: bigint[] = []
  for (let i = 0; i < 3; i++) holds.push(await move({ kind: 'hold', account: ann, amount: 10n }))
  const transfers = [await fund(ann, 5n), await fund(ann, 5n)]
  async function statementsOf(entries: Entry[]): Promise<number> {
    let count = 0
    await db.transaction(async (tx) => {
      const counting: Tx = {
        ...tx,
        query: (sql, values) => {
          count += 1
          return tx.query(sql, values)
        },
        send: (sql, values) => {
          count += 1
          tx.send(sql, values)
        },
      }
      const outcomes = await postEntries(counting, entries)
      expect(outcomes.every((outcome) => outcome.ok)).toBe(true)
    })
    return count
  }
  const settle = (hold: bigint, transfer: bigint): Movement[] => [
    { kind: 'hold', account: ann, amount: 1n },
    { kind: 'capture', hold, credit: bob, amount: 2n, reason: 'test' },
    { kind: 'release', hold, amount: 1n },
    { kind: 'reverse', transfer, reason: 'test' },
  ]
  expect(await statementsOf(deposits(1))).toBe(await statementsOf(deposits(1_000, 'many')))
  const few = await statementsOf([{ key: 'few', movements: settle(holds[0] as bigint, transfers[0] as bigint) }])
  const many = await statementsOf([
    ...deposits(997, 'more'),
    { key: 'more a', movements: settle(holds[1] as bigint, transfers[1] as bigint) },
    { key: 'more b', movements: settle(holds[2] as bigint, transfers[1] as bigint).slice(0, 3) },
  ])
  expect(many).toBe(few)
})

test('a key twice in one batch posts once; with other content it is refused', async () => {
  const { post, deposits, balance, world } = await setup()
  const [entry] = deposits(1) as [Entry]
  const other: Entry = { key: entry.key, movements: [...entry.movements, ...entry.movements] }
  const outcomes = await post(entry, entry, other)
  expect(outcomes[0]).toMatchObject({ ok: true, replayed: false })
  expect(outcomes[1]).toEqual({ ...outcomes[0], replayed: true })
  expect(outcomes[2]).toEqual({ ok: false, refusal: 'key_reused', replayed: true })
  expect((await balance(world)).posted).toBe(-1n)
})

test('an entry without a key is posted each time, under its own id, and of a refused one nothing is kept', async () => {
  const { db, post, ann, deposits, balance, world } = await setup()
  const [{ movements }] = deposits(1) as [Entry]
  const rows = () => db.query<{ n: number }>('select count(*)::int as n from ledger.entry')
  const before = (await rows())[0]?.n ?? 0
  const beyond: Entry = {
    movements: [{ kind: 'transfer', debit: ann, credit: world, amount: 10n ** 12n, reason: 'test' }],
  }
  const outcomes = await post({ movements }, beyond, { movements })
  const [first, refused, second] = outcomes as [EntryOutcome & { ok: true }, EntryOutcome, EntryOutcome & { ok: true }]
  expect(refused).toEqual({ ok: false, refusal: 'insufficient_funds', replayed: false })
  expect(first).toMatchObject({ ok: true, replayed: false })
  expect(second).toMatchObject({ ok: true, replayed: false })
  expect((await balance(world)).posted).toBe(-2n)
  expect(
    await db.query('select key, id from ledger.entry where id = any($1) order by id', [[first.id, second.id]]),
  ).toEqual([first, second].map(({ id }) => ({ key: `entry:${id}`, id })))
  expect((await rows())[0]?.n).toBe(before + 2)
})

test('a refused entry leaves every row as it was, but for its own key', async () => {
  const { db, post, fund, move, ann, bob, world } = await setup()
  await fund(ann, 50n)
  const hold = await move({ kind: 'hold', account: ann, amount: 10n })
  const transfer = await move({ kind: 'transfer', debit: ann, credit: bob, amount: 20n, reason: 'test' })
  const rows = () =>
    db.query(`select md5(string_agg(row, ',' order by row)) as md5 from (
      select balance.xmin || ' ' || balance.ctid || ' ' || balance::text as row from ledger.balance
      union all select hold.xmin || ' ' || hold.ctid || ' ' || hold::text from ledger.hold
      union all select transfer::text from ledger.transfer union all select release::text from ledger.release
      union all select reversal::text from ledger.reversal union all select unsealed::text from ledger.unsealed) as row`)
  const before = await rows()
  const [outcome] = await post({
    key: 'refused at the end',
    movements: [
      { kind: 'transfer', debit: world, credit: ann, amount: 7n, reason: 'test' },
      { kind: 'hold', account: ann, amount: 5n },
      { kind: 'capture', hold, credit: bob, amount: 4n, reason: 'test' },
      { kind: 'release', hold, amount: 'rest' },
      { kind: 'reverse', transfer, reason: 'test' },
      { kind: 'transfer', debit: bob, credit: ann, amount: 1_000n, reason: 'test' },
    ],
  })
  expect(outcome).toEqual({ ok: false, refusal: 'insufficient_funds', replayed: false })
  expect(await rows()).toEqual(before)
  expect(await db.query(`select id, refusal from ledger.entry where key = 'refused at the end'`)).toEqual([
    { id: null, refusal: 'insufficient_funds' },
  ])
})

test('the greatest amounts are held and moved, and nothing passes beyond them', async () => {
  const { db, post, ann, wrong } = await setup()
  const [deep, high] = (await db.transaction((tx) =>
    ensureAccounts(tx, [
      { owner_kind: 'edge', owner_id: -MAX, purpose: 'deep', asset: 'TON', credit_limit: null },
      { owner_kind: 'edge', owner_id: MAX, purpose: 'high', asset: 'TON', credit_limit: MAX },
    ]),
  )) as [bigint, bigint]
  let keys = 0
  const outcomeOf = async (movement: Movement) => {
    keys += 1
    const [outcome] = await post({ key: `edge ${keys}`, movements: [movement] })
    return outcome?.ok ? 'posted' : outcome?.refusal
  }
  const transfer = (debit: bigint, credit: bigint, amount: bigint): Movement => ({
    kind: 'transfer',
    debit,
    credit,
    amount,
    reason: 'edge',
  })
  expect(await outcomeOf(transfer(deep, high, MAX))).toBe('posted')
  expect(await outcomeOf(transfer(deep, high, 1n))).toBe('amount_out_of_range')
  expect(await outcomeOf({ kind: 'hold', account: deep, amount: 1n })).toBe('amount_out_of_range')
  expect(await outcomeOf({ kind: 'hold', account: high, amount: MAX })).toBe('posted')
  expect(await outcomeOf({ kind: 'hold', account: high, amount: 1n })).toBe('amount_out_of_range')
  expect(await outcomeOf(transfer(high, deep, MAX))).toBe('posted')
  expect(await outcomeOf(transfer(high, deep, 1n))).toBe('insufficient_funds')
  for (const amount of [0n, -1n, MAX + 1n, -MAX - 2n, 2n ** 70n]) {
    expect(await outcomeOf(transfer(deep, high, amount))).toBe('amount_out_of_range')
  }
  expect(await outcomeOf(transfer(MAX, ann, 1n))).toBe('account_not_found')
  expect(await wrong()).toEqual([])
})

const transfer = { kind: 'transfer', debit: 1n, credit: 2n, amount: 1n, reason: 'test' } as const

test.for<[string, Entry]>([
  ['an empty key', { key: '', movements: [transfer] }],
  ['a key too long', { key: 'k'.repeat(201), movements: [transfer] }],
  ['a key as the ledger gives it', { key: 'entry:1', movements: [transfer] }],
  ['a key with NUL', { key: 'a\0b', movements: [transfer] }],
  ['half a pair', { key: '\ud800', movements: [transfer] }],
  ['no movement', { key: 'k', movements: [] }],
  ['no reason', { key: 'k', movements: [{ ...transfer, reason: '' }] }],
  ['a reason too long', { key: 'k', movements: [{ ...transfer, reason: 'r'.repeat(61) }] }],
  ['a kind of subject too long', { key: 'k', movements: [{ ...transfer, subject: { kind: 's'.repeat(33), id: 1n } }] }],
  ['a subject beyond 64 bits', { key: 'k', movements: [{ ...transfer, subject: { kind: 's', id: MAX + 1n } }] }],
  ['an account beyond 64 bits', { key: 'k', movements: [{ ...transfer, debit: 2n ** 64n + 1n }] }],
  ['a hold beyond 64 bits', { key: 'k', movements: [{ kind: 'release', hold: -(2n ** 64n), amount: 'rest' }] }],
  [
    'a date that is none',
    { key: 'k', movements: [{ kind: 'hold', account: 1n, amount: 1n, expires_at: new Date(NaN) }] },
  ],
  [
    'a date too far',
    { key: 'k', movements: [{ kind: 'hold', account: 1n, amount: 1n, expires_at: new Date(8.64e15) }] },
  ],
])('an entry that cannot be stored is a defect of its caller: %s', async ([, entry]) => {
  const { post, deposits, balance, world } = await setup()
  await expect(post(...deposits(1), entry)).rejects.toThrow(InvariantError)
  expect((await balance(world)).version).toBe(0n)
})

test('the longest texts are stored as they are', async () => {
  const { db, post, world, ann } = await setup()
  const key = '🜲'.repeat(100)
  const reason = `'"\\{},null ${'é'.repeat(48)}`
  const subject = { kind: '\\"NULL', id: -MAX }
  const entry: Entry = {
    key,
    movements: [{ kind: 'transfer', debit: world, credit: ann, amount: 1n, reason, subject }],
  }
  const [outcome] = await post(entry)
  expect(await post(entry)).toEqual([{ ...outcome, replayed: true }])
  const rows = await db.query('select reason, subject_kind, subject_id from ledger.transfer')
  expect(rows).toEqual([{ reason, subject_kind: subject.kind, subject_id: subject.id }])
})
