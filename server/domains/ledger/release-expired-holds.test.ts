import { expect, test } from 'vitest'
import { testLedger } from '#test/support/ledger.ts'
import { openHoldsOf } from './queries.ts'
import { RELEASE_EXPIRED_MAX, releaseExpiredHolds } from './release-expired-holds.ts'

const LONG_AGO = new Date('2020-01-01T00:00:00Z')
const LONG_HENCE = new Date('2100-01-01T00:00:00Z')

async function setup() {
  const ledger = await testLedger(2)
  const [ann, bob] = ledger.wallets as [bigint, bigint]
  await ledger.fund(ann, 100n)
  const hold = (amount: bigint, expires_at?: Date) =>
    ledger.move({ kind: 'hold', account: ann, amount, expires_at, subject: { kind: 'order', id: 7n } })
  return { ...ledger, ann, bob, hold }
}

test('what is left of an expired hold is given back; others stay', async () => {
  const { db, ann, hold, balance, wrong } = await setup()
  await hold(30n, LONG_AGO)
  const kept = [await hold(20n, LONG_HENCE), await hold(10n)]
  expect(await releaseExpiredHolds(db)).toBe(1)
  expect(await releaseExpiredHolds(db)).toBe(0)
  expect((await balance(ann)).held).toBe(30n)
  expect((await openHoldsOf(db, { kind: 'order', id: 7n })).map((each) => each.id)).toEqual(kept)
  expect(await wrong()).toEqual([])
})

test('an expired hold cannot be captured, but can be released', async () => {
  const { post, bob, hold } = await setup()
  const expired = await hold(30n, LONG_AGO)
  const outcomes = await post(
    { key: 'capture', movements: [{ kind: 'capture', hold: expired, credit: bob, amount: 1n, reason: 'late' }] },
    { key: 'release', movements: [{ kind: 'release', hold: expired, amount: 'rest' }] },
  )
  expect(outcomes).toMatchObject([{ ok: false, refusal: 'hold_expired' }, { ok: true }])
})

test('many at once release each hold once', async () => {
  const { db, ann, hold, balance } = await setup()
  for (let i = 0; i < 10; i++) await hold(5n, LONG_AGO)
  await Promise.all([releaseExpiredHolds(db), releaseExpiredHolds(db), releaseExpiredHolds(db)])
  expect(await balance(ann)).toMatchObject({ posted: 100n, held: 0n, version: 21n })
})

test('a call takes no more than its limit', async () => {
  const { db, post, fund, ann, balance } = await setup()
  await fund(ann, 1_000n)
  const movement = { kind: 'hold', account: ann, amount: 1n, expires_at: LONG_AGO } as const
  await post({ key: 'holds', movements: Array.from({ length: RELEASE_EXPIRED_MAX + 5 }, () => movement) })
  expect(await releaseExpiredHolds(db)).toBe(RELEASE_EXPIRED_MAX)
  expect((await balance(ann)).held).toBe(5n)
  expect(await releaseExpiredHolds(db)).toBe(5)
})
