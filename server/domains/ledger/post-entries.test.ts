import { expect, test } from 'vitest'
import { testDatabase } from '#test/support/database.ts'
import { ensureAccounts } from './ensure-accounts.ts'
import { postEntries } from './post-entries.ts'

async function setup() {
  const { db } = await testDatabase()
  const [world, wallet, revenue] = (await db.transaction((tx) =>
    ensureAccounts(tx, [
      { owner_kind: 'platform', owner_id: 0n, purpose: 'world', asset: 'USD', credit_limit: null },
      { owner_kind: 'customer', owner_id: 1n, purpose: 'wallet', asset: 'USD', credit_limit: 0n },
      { owner_kind: 'platform', owner_id: 0n, purpose: 'revenue', asset: 'USD', credit_limit: 0n },
    ]),
  )) as [bigint, bigint, bigint]
  await db.transaction((tx) =>
    postEntries(tx, [
      { key: 'fund', movements: [{ kind: 'transfer', debit: world, credit: wallet, amount: 100n, reason: 'deposit' }] },
    ]),
  )
  const balance = async (id: bigint) =>
    (
      await db.query<{ posted: bigint; held: bigint; version: bigint }>(
        'select posted, held, version from ledger.account where id = $1',
        [id],
      )
    )[0]
  return { db, world, wallet, revenue, balance }
}

test('a hold is captured in parts and the rest released', async () => {
  const { db, wallet, revenue, balance } = await setup()
  const [held] = await db.transaction((tx) =>
    postEntries(tx, [{ key: 'hold', movements: [{ kind: 'hold', account: wallet, amount: 60n }] }]),
  )
  if (!held?.ok) throw new Error('hold refused')
  const settle = {
    key: 'settle',
    movements: [
      { kind: 'capture', hold: held.id, credit: revenue, amount: 25n, reason: 'order.capture' },
      { kind: 'capture', hold: held.id, credit: revenue, amount: 10n, reason: 'order.capture' },
      { kind: 'release', hold: held.id, amount: 'rest' },
    ],
  } as const
  const [first] = await db.transaction((tx) => postEntries(tx, [settle]))
  const [second] = await db.transaction((tx) => postEntries(tx, [settle]))
  expect(first).toMatchObject({ ok: true, replayed: false })
  expect(second).toEqual({ ...first, replayed: true })
  expect(await balance(wallet)).toEqual({ posted: 65n, held: 0n, version: 5n })
  expect(await balance(revenue)).toEqual({ posted: 35n, held: 0n, version: 2n })
})

test('an entry without funds is refused for ever and its neighbours go through', async () => {
  const { db, world, wallet, balance } = await setup()
  const over = {
    key: 'over',
    movements: [{ kind: 'transfer', debit: wallet, credit: world, amount: 101n, reason: 'test' }],
  } as const
  const within = {
    key: 'within',
    movements: [{ kind: 'transfer', debit: wallet, credit: world, amount: 100n, reason: 'test' }],
  } as const
  const outcomes = await db.transaction((tx) => postEntries(tx, [over, within]))
  expect(outcomes[0]).toEqual({ ok: false, refusal: 'insufficient_funds', replayed: false })
  expect(outcomes[1]).toMatchObject({ ok: true })
  await db.transaction((tx) =>
    postEntries(tx, [
      { key: 'more', movements: [{ kind: 'transfer', debit: world, credit: wallet, amount: 500n, reason: 'deposit' }] },
    ]),
  )
  const [again] = await db.transaction((tx) => postEntries(tx, [over]))
  expect(again).toEqual({ ok: false, refusal: 'insufficient_funds', replayed: true })
  expect((await balance(wallet))?.posted).toBe(500n)
})
