import { expect, test } from 'vitest'
import { testLedger } from '#test/support/ledger.ts'
import { accountNamed, balancesOf, entryByKey } from './queries.ts'
import { sealBlocks } from './seal.ts'
import { balanceAt, STATEMENT_LINES_MAX, statementOf } from './statement.ts'

async function setup() {
  const ledger = await testLedger(2)
  const [ann, bob] = ledger.wallets as [bigint, bigint]
  return { ...ledger, ann, bob }
}

/** Five lines of every kind on the first wallet. */
async function fiveLines() {
  const ledger = await setup()
  const { ann, bob, fund, move } = ledger
  const deposit = await fund(ann, 100n)
  const hold = await move({ kind: 'hold', account: ann, amount: 60n, subject: { kind: 'order', id: 7n } })
  const capture = await move({
    kind: 'capture',
    hold,
    credit: bob,
    amount: 25n,
    reason: 'order.capture',
    subject: { kind: 'order', id: 7n },
  })
  const release = await move({ kind: 'release', hold, amount: 'rest' })
  const reversal = await move({ kind: 'reverse', transfer: capture, reason: 'refund' })
  return { ...ledger, deposit, hold, capture, release, reversal }
}

test('a statement tells each line and the balance after it, newest first', async () => {
  const { db, world, ann, bob, deposit, hold, capture, release, reversal } = await fiveLines()
  const lines = await statementOf(db, ann, { limit: 10 })
  const line = {
    other: null,
    reason: null,
    hold: null,
    reverses: null,
    subject_kind: null,
    subject_id: null,
    at: expect.any(Date),
  }
  const order = { subject_kind: 'order', subject_id: 7n }
  expect(lines).toEqual([
    {
      ...line,
      version: 5n,
      movement: reversal,
      entry: reversal,
      kind: 'transfer',
      posted_change: 25n,
      held_change: 0n,
      posted: 100n,
      held: 0n,
      other: bob,
      reason: 'refund',
      reverses: capture,
    },
    {
      ...line,
      version: 4n,
      movement: release,
      entry: release,
      kind: 'release',
      posted_change: 0n,
      held_change: -35n,
      posted: 75n,
      held: 0n,
      hold,
    },
    {
      ...line,
      ...order,
      version: 3n,
      movement: capture,
      entry: capture,
      kind: 'transfer',
      posted_change: -25n,
      held_change: -25n,
      posted: 75n,
      held: 35n,
      other: bob,
      reason: 'order.capture',
      hold,
    },
    {
      ...line,
      ...order,
      version: 2n,
      movement: hold,
      entry: hold,
      kind: 'hold',
      posted_change: 0n,
      held_change: 60n,
      posted: 100n,
      held: 60n,
      hold,
    },
    {
      ...line,
      version: 1n,
      movement: deposit,
      entry: deposit,
      kind: 'transfer',
      posted_change: 100n,
      held_change: 0n,
      posted: 100n,
      held: 0n,
      other: world,
      reason: 'deposit',
    },
  ])
  const [theirs] = (await statementOf(db, bob, { limit: 10 })).slice(1)
  expect(theirs).toMatchObject({ posted_change: 25n, held_change: 0n, posted: 25n, held: 0n, other: ann })
})

test('a statement is the same whether none, some or all of it is sealed, page by page too', async () => {
  const { db, ann } = await fiveLines()
  const whole = await statementOf(db, ann, { limit: 10 })
  for (let sealed = 0; sealed <= 5; sealed++) {
    for (const size of [1, 2, 3]) {
      const pages = []
      let before: bigint | undefined
      for (;;) {
        const page = await statementOf(db, ann, { before, limit: size })
        if (page.length === 0) break
        expect(page.length).toBeLessThanOrEqual(size)
        pages.push(...page)
        before = page.at(-1)?.version
      }
      expect(pages).toEqual(whole)
    }
    await sealBlocks(db, 1)
  }
})

test('a page is no longer than the limit of pages', async () => {
  const { db, post, world, ann } = await setup()
  const movement = { kind: 'transfer', debit: world, credit: ann, amount: 1n, reason: 'many' } as const
  await post({ key: 'many', movements: Array.from({ length: STATEMENT_LINES_MAX + 1 }, () => movement) })
  expect(await statementOf(db, ann, { limit: 1_000_000 })).toHaveLength(STATEMENT_LINES_MAX)
  expect(await statementOf(db, ann, { limit: 0 })).toHaveLength(1)
})

test('the balance at a moment is the one that stood then, sealed or not', async () => {
  const { db, ann } = await fiveLines()
  const moments = await db.query<{ at: string; posted: bigint; held: bigint; version: bigint }>(
    'select at::text as at, posted, held, version from ledger.side where account = $1 order by version',
    [ann],
  )
  for (let sealed = 0; sealed <= 5; sealed++) {
    for (const { at, posted, held, version } of moments) {
      const then = await balanceAt(db, ann, at as unknown as Date)
      expect(then).toEqual({ posted, held, available: posted - held, version })
    }
    expect(await balanceAt(db, ann, new Date('2020-01-01'))).toEqual({
      posted: 0n,
      held: 0n,
      available: 0n,
      version: 0n,
    })
    expect((await balanceAt(db, ann, new Date('2100-01-01'))).version).toBe(5n)
    await sealBlocks(db, 1)
  }
})

test('an account is found by its name, balances by id, and what became of a key by the key', async () => {
  const { db, ann, bob, fund, post } = await setup()
  await fund(ann, 30n)
  const name = { owner_kind: 'customer', owner_id: 1n, purpose: 'wallet', asset: 'USD' }
  expect(await accountNamed(db, name)).toEqual({
    ...name,
    id: ann,
    credit_limit: 0n,
    posted: 30n,
    held: 0n,
    available: 30n,
    version: 1n,
  })
  expect(await accountNamed(db, { ...name, asset: 'EUR' })).toBeUndefined()
  const balances = await balancesOf(db, [bob, 999n, ann])
  expect([...balances.keys()].sort()).toEqual([ann, bob])
  await post({ key: 'no', movements: [{ kind: 'transfer', debit: bob, credit: ann, amount: 1n, reason: 'no' }] })
  expect(await entryByKey(db, 'no')).toEqual({ key: 'no', id: null, outcome: 'insufficient_funds' })
  expect(await entryByKey(db, 'move:1')).toEqual({ key: 'move:1', id: expect.any(BigInt), outcome: 'posted' })
  expect(await entryByKey(db, 'never')).toBeUndefined()
})
