import {
  type Capture,
  contentHash,
  type Entry,
  type EntryOutcome,
  type Movement,
  type Refusal,
  type Release,
} from '#server/domains/ledger/entry.ts'

export interface ModelAccount {
  asset: string
  limit: bigint | null
  posted: bigint
  held: bigint
  /** What stood after each line. */
  lines: { posted: bigint; held: bigint }[]
}

export interface ModelHold {
  account: bigint
  amount: bigint
  captured: bigint
  released: bigint
}

interface State {
  accounts: Map<bigint, ModelAccount>
  holds: Map<bigint, ModelHold>
  transfers: Map<bigint, { debit: bigint; credit: bigint; amount: bigint; reversed: boolean }>
}

const MAX = 2n ** 63n - 1n

class Refused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal)
    this.refusal = refusal
  }
}

/**
 * The ledger as a few maps, for tests to compare the real one with. Written from what the ledger promises and not from how it does it: an entry works on a copy
 * of everything, which is kept when it succeeds.
 */
export class LedgerModel {
  state: State
  readonly #outcomes = new Map<string, { hash: string; outcome: EntryOutcome }>()

  constructor(accounts: Iterable<[bigint, { asset: string; limit: bigint | null }]>) {
    this.state = { accounts: new Map(), holds: new Map(), transfers: new Map() }
    for (const [id, account] of accounts) {
      this.state.accounts.set(id, { ...account, posted: 0n, held: 0n, lines: [] })
    }
  }

  /** `id` is what the real ledger gave, if it gave one: the model does not foresee ids. */
  post(entry: Entry, id: bigint | undefined): EntryOutcome {
    const { key } = entry
    if (key === undefined) return this.#attempt(entry, id)
    const hash = contentHash(entry)
    const known = this.#outcomes.get(key)
    if (known && known.hash !== hash) return { ok: false, refusal: 'key_reused', replayed: true }
    if (known) return { ...known.outcome, replayed: true }
    const outcome = this.#attempt(entry, id)
    this.#outcomes.set(key, { hash, outcome })
    return outcome
  }

  #attempt(entry: Entry, id: bigint | undefined): EntryOutcome {
    const state = structuredClone(this.state)
    try {
      for (const [i, movement] of entry.movements.entries()) move(state, movement, (id ?? -1_000n) + BigInt(i))
    } catch (error) {
      if (error instanceof Refused) return { ok: false, refusal: error.refusal, replayed: false }
      throw error
    }
    this.state = state
    return { ok: true, id: id ?? -1n, replayed: false }
  }
}

function move(state: State, m: Movement, id: bigint): void {
  if (m.kind === 'transfer') {
    transfer(state, id, m.debit, m.credit, m.amount)
  } else if (m.kind === 'hold') {
    const account = found(state.accounts.get(m.account), 'account_not_found')
    inRange(m.amount)
    change(account, 0n, m.amount)
    state.holds.set(id, { account: m.account, amount: m.amount, captured: 0n, released: 0n })
  } else if (m.kind === 'reverse') {
    const back = found(state.transfers.get(m.transfer), 'transfer_not_found')
    if (back.reversed) throw new Refused('already_reversed')
    transfer(state, id, back.credit, back.debit, back.amount)
    back.reversed = true
  } else {
    use(state, id, m)
  }
}

function use(state: State, id: bigint, m: Capture | Release): void {
  const hold = found(state.holds.get(m.hold), 'hold_not_found')
  const left = hold.amount - hold.captured - hold.released
  const amount = m.amount === 'rest' ? left : m.amount
  if (left === 0n || amount > left) throw new Refused('hold_exceeded')
  inRange(amount)
  if (m.kind === 'capture') {
    hold.captured += amount
    transfer(state, id, hold.account, m.credit, amount, amount)
  } else {
    hold.released += amount
    change(found(state.accounts.get(hold.account), 'account_not_found'), 0n, -amount)
  }
}

function transfer(state: State, id: bigint, from: bigint, to: bigint, amount: bigint, unheld = 0n): void {
  const debit = found(state.accounts.get(from), 'account_not_found')
  const credit = found(state.accounts.get(to), 'account_not_found')
  if (debit === credit) throw new Refused('same_account')
  if (debit.asset !== credit.asset) throw new Refused('asset_mismatch')
  inRange(amount)
  change(debit, -amount, -unheld)
  change(credit, amount, 0n)
  state.transfers.set(id, { debit: from, credit: to, amount, reversed: false })
}

function change(account: ModelAccount, posted: bigint, held: bigint): void {
  account.posted += posted
  account.held += held
  const available = account.posted - account.held
  if (account.limit !== null && available < -account.limit) throw new Refused('insufficient_funds')
  for (const value of [account.posted, account.held, available]) {
    if (value > MAX || value < -MAX) throw new Refused('amount_out_of_range')
  }
  account.lines.push({ posted: account.posted, held: account.held })
}

function inRange(amount: bigint): void {
  if (amount <= 0n || amount > MAX) throw new Refused('amount_out_of_range')
}

function found<T>(value: T | undefined, refusal: Refusal): T {
  if (value === undefined) throw new Refused(refusal)
  return value
}
