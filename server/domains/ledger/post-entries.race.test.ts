import { expect, test } from 'vitest'
import { barrier, type TestLedger, testLedger } from '#test/support/ledger.ts'
import type { Entry, EntryOutcome } from './entry.ts'
import { postEntries } from './post-entries.ts'

/** So often, because which twin comes first, and where it meets the other, differs from time to time. */
const ROUNDS = 12

const words = (outcome: EntryOutcome) => `${outcome.ok ? 'posted' : outcome.refusal}${outcome.replayed ? ' again' : ''}`

/** Posts each list in a transaction of its own, all begun before any goes on. */
async function atOnce({ db }: TestLedger, ...batches: Entry[][]): Promise<EntryOutcome[][]> {
  const together = barrier(batches.length)
  return Promise.all(
    batches.map((entries) =>
      db.transaction(async (tx) => {
        await tx.query('select 1')
        await together()
        return postEntries(tx, entries)
      }),
    ),
  )
}

/** Runs two twins against each other and answers what became of them, in the order of words. */
async function race(ledger: TestLedger, one: Entry, other: Entry): Promise<string[]> {
  const outcomes = await atOnce(ledger, [one], [other])
  return outcomes.map(([outcome]) => words(outcome as EntryOutcome)).sort()
}

async function setup() {
  const ledger = await testLedger(3)
  const [ann, bob, cid] = ledger.wallets as [bigint, bigint, bigint]
  return { ...ledger, ann, bob, cid }
}

test('of two with one key and one content one posts, and both answer the same', async () => {
  const ledger = await setup()
  const { world, ann, balance } = ledger
  for (let round = 0; round < ROUNDS; round++) {
    const entry: Entry = {
      key: `same ${round}`,
      movements: [{ kind: 'transfer', debit: world, credit: ann, amount: 5n, reason: 'test' }],
    }
    const [[one], [other]] = (await atOnce(ledger, [entry], [entry])) as [[EntryOutcome], [EntryOutcome]]
    expect([words(one), words(other)].sort()).toEqual(['posted', 'posted again'])
    expect(one.ok && other.ok && one.id === other.id).toBe(true)
  }
  expect((await balance(ann)).posted).toBe(5n * BigInt(ROUNDS))
})

test('of two with one key and other contents, on other accounts, one posts and one is refused', async () => {
  const ledger = await setup()
  const { fund, ann, bob, cid, world } = ledger
  await fund(ann, 1_000n)
  await fund(bob, 1_000n)
  for (let round = 0; round < ROUNDS; round++) {
    const key = `poison ${round}`
    const outcomes = await race(
      ledger,
      { key, movements: [{ kind: 'transfer', debit: ann, credit: cid, amount: 1n, reason: 'test' }] },
      { key, movements: [{ kind: 'transfer', debit: bob, credit: world, amount: 1n, reason: 'test' }] },
    )
    expect(outcomes).toEqual(['key_reused again', 'posted'])
  }
})

test('the last funds are spent once: by two transfers, two holds, or one of each', async () => {
  const ledger = await setup()
  const { fund, ann, bob, balance } = ledger
  const transfer = { kind: 'transfer', debit: ann, credit: bob, amount: 10n, reason: 'test' } as const
  const hold = { kind: 'hold', account: ann, amount: 10n } as const
  for (let round = 0; round < ROUNDS; round++) {
    for (const [one, other] of [
      [transfer, transfer],
      [hold, hold],
      [transfer, hold],
    ] as const) {
      await fund(ann, 10n)
      const key = `last ${round} ${one.kind} ${other.kind}`
      const outcomes = await race(ledger, { key, movements: [one] }, { key: `${key} other`, movements: [other] })
      expect(outcomes).toEqual(['insufficient_funds', 'posted'])
      expect((await balance(ann)).available).toBe(0n)
    }
  }
})

test('a hold is used up once: by two captures, two releases, or one of each', async () => {
  const ledger = await setup()
  const { fund, move, ann, bob, balance } = ledger
  await fund(ann, 10n * 3n * BigInt(ROUNDS))
  for (let round = 0; round < ROUNDS; round++) {
    for (const pair of ['capture capture', 'release release', 'capture release']) {
      const hold = await move({ kind: 'hold', account: ann, amount: 10n })
      const capture = { kind: 'capture', hold, credit: bob, amount: 7n, reason: 'test' } as const
      const release = { kind: 'release', hold, amount: 7n } as const
      const [one, other] = pair.split(' ').map((kind) => (kind === 'capture' ? capture : release))
      const key = `use ${round} ${pair}`
      const outcomes = await race(
        ledger,
        { key, movements: [one as typeof capture] },
        { key: `${key} other`, movements: [other as typeof capture] },
      )
      expect(outcomes).toEqual(['hold_exceeded', 'posted'])
      await move({ kind: 'release', hold, amount: 'rest' })
    }
  }
  expect((await balance(ann)).held).toBe(0n)
})

test('a transfer is reversed once', async () => {
  const ledger = await setup()
  const { fund, ann, balance } = ledger
  for (let round = 0; round < ROUNDS; round++) {
    const transfer = await fund(ann, 10n)
    const reverse = { kind: 'reverse', transfer, reason: 'test' } as const
    const key = `reverse ${round}`
    const outcomes = await race(ledger, { key, movements: [reverse] }, { key: `${key} other`, movements: [reverse] })
    expect(outcomes).toEqual(['already_reversed', 'posted'])
  }
  expect((await balance(ann)).posted).toBe(0n)
})

test('batches that name the same accounts and keys in opposite order all end, and nothing is lost', async () => {
  const ledger = await setup()
  const { fund, ann, bob, cid, balance, wrong } = ledger
  const names = [ann, bob, cid]
  for (const account of names) await fund(account, 1_000n)
  for (let round = 0; round < ROUNDS; round++) {
    const batch = names.flatMap((debit, i) => {
      const credit = names[(i + 1) % names.length] as bigint
      const movements = [{ kind: 'transfer', debit, credit, amount: 3n, reason: 'ring' } as const]
      return Array.from({ length: 5 }, (_, n): Entry => ({ key: `ring ${round} ${i} ${n}`, movements }))
    })
    const others = batch.map((entry) => ({ ...entry, key: `${entry.key} other` }))
    const outcomes = await atOnce(ledger, batch, batch.toReversed(), others, others.toReversed())
    const counts = Object.groupBy(outcomes.flat().map(words), (word) => word)
    expect([counts.posted?.length, counts['posted again']?.length]).toEqual([2 * batch.length, 2 * batch.length])
  }
  for (const account of names) expect((await balance(account)).posted).toBe(1_000n)
  expect(await wrong()).toEqual([])
})
