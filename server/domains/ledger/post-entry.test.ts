import { expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { testLedger } from '#test/support/ledger.ts'
import type { Entry } from './entry.ts'
import { openLedger } from './post-entry.ts'

async function setup() {
  const ledger = await testLedger(2)
  const [ann] = ledger.wallets as [bigint]
  const deposit = (key: string, amount = 1n): Entry => ({
    key,
    movements: [{ kind: 'transfer', debit: ledger.world, credit: ann, amount, reason: 'deposit' }],
  })
  return { ...ledger, ann, deposit, ...openLedger(ledger.db) }
}

test('many callers at once share few transactions, and each gets its own outcome', async () => {
  const { db, ann, world, deposit, postEntry, balance, wrong } = await setup()
  const over: Entry = {
    key: 'over',
    movements: [{ kind: 'transfer', debit: ann, credit: world, amount: 10n ** 9n, reason: 'test' }],
  }
  const calls = Array.from({ length: 9_000 }, (_, i) => postEntry(i === 2_500 ? over : deposit(`key ${i}`)))
  const outcomes = await Promise.all(calls)
  expect(outcomes[2_500]).toEqual({ ok: false, refusal: 'insufficient_funds', replayed: false })
  expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(8_999)
  expect((await balance(ann)).posted).toBe(8_999n)
  const [blocks] = await db.query<{ count: bigint }>('select count(*) from ledger.unsealed')
  expect(blocks?.count).toBe(2n)
  expect(await wrong()).toEqual([])
})

test('an entry that cannot be stored fails its own caller alone', async () => {
  const { deposit, postEntry } = await setup()
  const [good, bad] = await Promise.allSettled([postEntry(deposit('good')), postEntry(deposit(''))])
  expect(good).toMatchObject({ status: 'fulfilled', value: { ok: true } })
  expect(bad).toMatchObject({ status: 'rejected', reason: expect.any(InvariantError) })
})

test('a call from inside a transaction is refused: it would wait for what it holds itself', async () => {
  const { db, deposit, postEntry } = await setup()
  await expect(db.transaction(() => postEntry(deposit('inside')))).rejects.toThrow(InvariantError)
})
