import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import { testDatabase } from '#test/support/database.ts'
import { LedgerModel } from '#test/support/ledger-model.ts'
import { ensureAccounts } from './ensure-accounts.ts'
import type { Entry, EntryOutcome, Movement } from './entry.ts'
import { postEntries } from './post-entries.ts'
import { sealBlocks } from './seal.ts'
import { balanceAt, statementOf } from './statement.ts'
import { verifyLedger } from './verify.ts'

/** Runs by default in some twenty seconds; more by SALDO_TEST_MODEL_RUNS. */
const RUNS = Number(process.env.SALDO_TEST_MODEL_RUNS ?? 100)

const LIMITS = [
  { asset: 'USD', limit: null },
  { asset: 'USD', limit: 0n },
  { asset: 'USD', limit: 50n },
  { asset: 'USD', limit: 0n },
  { asset: 'EUR', limit: null },
  { asset: 'EUR', limit: 0n },
]

/** A movement in which accounts, holds and transfers are named by their place among those that there are when it is posted. */
interface Sketch {
  kind: Movement['kind']
  from: number
  to: number
  amount: bigint
  rest: boolean
  which: number
}

/** A new entry, with a key or without; an old one again; or an old key with another content. */
type Step =
  | { kind: 'new'; keyed: boolean; sketches: Sketch[] }
  | { kind: 'again'; which: number }
  | { kind: 'poison'; which: number; sketch: Sketch }

const place = fc.nat({ max: 1_000 })
const account = fc.oneof(
  { weight: 20, arbitrary: fc.nat({ max: LIMITS.length - 1 }) },
  { weight: 1, arbitrary: fc.constant(99) },
)
const amount = fc.oneof(
  { weight: 12, arbitrary: fc.bigInt({ min: 1n, max: 60n }) },
  { weight: 1, arbitrary: fc.constantFrom(0n, -1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 62n) },
)
const sketch: fc.Arbitrary<Sketch> = fc.record({
  kind: fc.constantFrom('transfer', 'transfer', 'hold', 'capture', 'capture', 'release', 'reverse'),
  from: account,
  to: account,
  amount,
  rest: fc.boolean(),
  which: place,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('new' as const),
      keyed: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
      sketches: fc.array(sketch, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), which: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('poison' as const), which: place, sketch }) },
)
const batches = fc.array(fc.record({ steps: fc.array(step, { maxLength: 8 }), seal: fc.boolean() }), {
  minLength: 1,
  maxLength: 10,
})

/** What came of all entries of all runs. */
const seen = new Set<string>()

/** One run's world: fresh accounts in the shared database, the model beside them, and what can be named. */
class World {
  readonly ids: bigint[]
  readonly model: LedgerModel
  readonly #db: Db
  readonly #run: number
  readonly #entries: Entry[] = []
  readonly #holds: bigint[] = [1n]
  readonly #transfers: bigint[] = [1n]

  constructor(db: Db, run: number, ids: bigint[]) {
    this.#db = db
    this.#run = run
    this.ids = ids
    this.model = new LedgerModel(ids.map((id, i) => [id, LIMITS[i] as (typeof LIMITS)[number]]))
  }

  async post(steps: Step[]): Promise<void> {
    const entries = steps.map((each) => this.#entryOf(each))
    const outcomes = await this.#db.transaction((tx) => postEntries(tx, entries))
    for (const [i, outcome] of outcomes.entries()) this.#compare(entries[i] as Entry, outcome)
  }

  #compare(entry: Entry, outcome: EntryOutcome): void {
    seen.add(outcome.ok ? `posted${outcome.replayed ? ' again' : ''}` : outcome.refusal)
    const id = outcome.ok ? outcome.id : undefined
    expect(
      outcome,
      JSON.stringify(entry, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).toEqual(this.model.post(entry, id))
    if (!outcome.ok || outcome.replayed) return
    entry.movements.forEach((movement, i) => {
      if (movement.kind === 'hold') this.#holds.push(outcome.id + BigInt(i))
      else if (movement.kind !== 'release') this.#transfers.push(outcome.id + BigInt(i))
    })
  }

  #entryOf(step: Step): Entry {
    const old = step.kind === 'new' ? undefined : this.#entries[step.which % Math.max(1, this.#entries.length)]
    if (old && step.kind === 'again') return old
    if (old && step.kind === 'poison')
      return { key: old.key, movements: [...old.movements, this.#movementOf(step.sketch)] }
    const sketches = step.kind === 'new' ? step.sketches : []
    const movements = sketches.length > 0 ? sketches.map((each) => this.#movementOf(each)) : [this.#deposit()]
    const keyless = step.kind === 'new' && !step.keyed
    const entry = { key: keyless ? undefined : `run ${this.#run}: ${this.#entries.length}`, movements }
    this.#entries.push(entry)
    return entry
  }

  #deposit(): Movement {
    return {
      kind: 'transfer',
      debit: this.ids[0] as bigint,
      credit: this.ids[1] as bigint,
      amount: 40n,
      reason: 'deposit',
    }
  }

  #movementOf({ kind, from, to, amount, rest, which }: Sketch): Movement {
    const debit = this.ids[from] ?? 999_999n
    const credit = this.ids[to] ?? 999_999n
    const hold = this.#holds[this.#holds.length - 1 - (which % this.#holds.length)] as bigint
    const transfer = this.#transfers[this.#transfers.length - 1 - (which % this.#transfers.length)] as bigint
    switch (kind) {
      case 'transfer':
        return { kind, debit, credit, amount, reason: 'model' }
      case 'hold':
        return { kind, account: debit, amount }
      case 'capture':
        return { kind, hold, credit, amount: rest ? 'rest' : amount, reason: 'model' }
      case 'release':
        return { kind, hold, amount: rest ? 'rest' : amount }
      case 'reverse':
        return { kind, transfer, reason: 'model' }
    }
  }

  async agrees(): Promise<void> {
    for (const [id, account] of this.model.state.accounts) {
      const lines = await statementOf(this.#db, id, { limit: 500 })
      expect(lines.map((line) => line.version).reverse()).toEqual(account.lines.map((_, i) => BigInt(i + 1)))
      expect(lines.map(({ posted, held }) => ({ posted, held })).reverse()).toEqual(account.lines)
      await this.#agreesThen(id, lines[lines.length >> 1]?.at ?? new Date())
    }
    const holds = await this.#db.query<{ id: bigint }>(
      'select id, account, amount, captured, released from ledger.hold where account = any($1) order by id',
      [this.ids],
    )
    const expected = [...this.model.state.holds].map(([id, hold]) => ({ id, ...hold }))
    expect(holds).toEqual(expected.toSorted((a, b) => (a.id < b.id ? -1 : 1)))
  }

  /** Invariant 15: the balance at a moment is the one that was recorded then. */
  async #agreesThen(id: bigint, at: Date): Promise<void> {
    const [then] = await this.#db.query(
      `select posted, held, posted - held as available, version from ledger.side where account = $1 and at <= $2
      order by version desc limit 1`,
      [id, at],
    )
    expect(await balanceAt(this.#db, id, at)).toEqual(then ?? { posted: 0n, held: 0n, available: 0n, version: 0n })
  }
}

async function openWorld(db: Db, run: number): Promise<World> {
  const names = LIMITS.map(({ asset, limit }, i) => ({
    owner_kind: 'model',
    owner_id: BigInt(run),
    purpose: `p${i}`,
    asset,
    credit_limit: limit,
  }))
  return new World(db, run, await db.transaction((tx) => ensureAccounts(tx, names)))
}

test('whatever is posted in whatever batches, the ledger does as its model', { timeout: 600_000 }, async () => {
  const { db } = await testDatabase()
  let run = 0
  await fc.assert(
    fc.asyncProperty(batches, async (all) => {
      run += 1
      const world = await openWorld(db, run)
      await world.post([{ kind: 'poison', which: 0, sketch: {} as Sketch }])
      for (const { steps, seal } of all) {
        await world.post(steps)
        if (seal) await sealBlocks(db)
      }
      await world.agrees()
    }),
    { numRuns: RUNS },
  )
  expect((await verifyLedger(db)).problems).toEqual([])
  expect([...seen].sort()).toEqual(COMMON.toSorted())
  for (const [what, sql] of Object.entries(INVARIANTS)) expect(await db.query(sql), what).toEqual([])
})

const COMMON = [
  ...[
    'posted',
    'posted again',
    'key_reused',
    'insufficient_funds',
    'amount_out_of_range',
    'account_not_found',
    'same_account',
  ],
  ...['asset_mismatch', 'hold_not_found', 'hold_exceeded', 'transfer_not_found', 'already_reversed'],
]

/** Each answers the rows that break it. Written apart from verify, which is under test itself. */
const INVARIANTS = {
  'an asset sums to zero': 'select asset from ledger.account group by asset having sum(posted) <> 0',
  'posted is the sum of transfers': `
    select account.id from ledger.account where posted <>
      (select coalesce(sum(amount), 0) from ledger.transfer where credit = account.id)
      - (select coalesce(sum(amount), 0) from ledger.transfer where debit = account.id)`,
  'held is what open holds have left': `
    select account.id from ledger.account where held <>
      (select coalesce(sum(amount - captured - released), 0) from ledger.hold where hold.account = account.id)`,
  'a limited account is covered at every line': `
    select side.movement from ledger.side join ledger.account on account.id = side.account
    where side.posted - side.held < -credit_limit`,
  'versions are contiguous and given once': `
    select account.id from ledger.account
    where version <> (select count(*) from ledger.side where side.account = account.id)
      or version <> (select count(distinct side.version) from ledger.side where side.account = account.id)
      or version <> (select coalesce(max(side.version), 0) from ledger.side where side.account = account.id)`,
  'a balance is the one before and the change': `
    select movement from (
      select movement, posted - posted_change <> lag(posted, 1, 0::bigint) over way
        or held - held_change <> lag(held, 1, 0::bigint) over way as wrong
      from ledger.side window way as (partition by account order by version)) as line
    where wrong`,
  'a hold is never used up twice': `
    select id from ledger.hold where captured + released > amount or captured < 0 or released < 0`,
  'a transfer is reversed once': `
    select reverses from ledger.transfer where reverses is not null group by reverses having count(*) > 1`,
  'a refused key moved nothing': 'select key from ledger.entry where (refusal is null) <> (id is not null)',
  'moments never fall': `
    select movement from (
      select movement, at < lag(at) over (partition by account order by version) as wrong from ledger.side) as line
    where wrong`,
}
