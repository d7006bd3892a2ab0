import type { Entry, EntryOutcome, Movement, Subject } from '#server/domains/ledger/entry.ts'
import { invariant, present } from '#server/kit/invariant.ts'
import type { Order } from '../order.ts'

/** A post that is to be paid for. Amounts in minor units: `charge` of the customer's asset, `cost` of the provider's. */
export interface NewPost {
  /** The subscription. */
  parent: Order
  provider_order_id: string
  /** The number of the order that it becomes. */
  id: bigint
  quantity: bigint
  charge: bigint
  cost: bigint
  /** Within what was agreed on. */
  agreed: boolean
}

/** Who pays: the wallet; what the subscription has set aside; or the house, which books the cost alone. */
export type Payer = 'wallet' | 'reserve' | 'house'

/** Accounts of the house for a post. */
export interface PostAccounts {
  prepaid: bigint
  cost: bigint
}

/** One way to pay for one post. */
interface Way {
  post: NewPost
  payer: Payer
  entry: Entry
}

/**
 * How each of these posts is paid, decided by the ledger itself in one posting: its ways are tried in their order, and the first that the ledger takes is the only one. So what the
 * wallet holds is known under its lock, and a post never has two holds or none that anyone could see.
 */
export class PostMoney {
  readonly #ways: Way[]
  /** The place of the way that was taken. */
  readonly #taken = new Map<NewPost, number>()
  /** Subscriptions whose reserve is used. */
  readonly #used = new Set<bigint>()

  constructor(posts: readonly NewPost[], accountsOf: (post: NewPost) => PostAccounts) {
    this.#ways = posts.flatMap((post) => waysOf(post, accountsOf(post)))
  }

  get entries(): Entry[] {
    return this.#ways.map(({ entry }) => entry)
  }

  /** Whether the way at this place, which the ledger allows, is taken: only where none of its post is. */
  admit(place: number): boolean {
    const { post, payer } = present(this.#ways[place], 'an entry has its way')
    if (this.#taken.has(post)) return false
    if (payer === 'reserve') {
      if (this.#used.has(post.parent.id)) return false
      this.#used.add(post.parent.id)
    }
    this.#taken.set(post, place)
    return true
  }

  /** Who pays for the post, and with which hold, once the entries are posted. */
  paid(post: NewPost, outcomes: readonly EntryOutcome[]): { payer: Payer; hold: bigint | undefined } {
    const place = this.#taken.get(post)
    if (place === undefined) {
      invariant(post.cost === 0n, `the ledger refused every way to pay for post ${post.provider_order_id}`)
      return { payer: 'house', hold: undefined }
    }
    const { payer } = present(this.#ways[place], 'a way has its place')
    const outcome = present(outcomes[place], 'every entry has an outcome')
    invariant(outcome.ok && !outcome.replayed, `post ${post.provider_order_id} was paid for before`)
    // With the reserve the hold stands behind its release.
    return { payer, hold: payer === 'house' ? undefined : outcome.id + (payer === 'reserve' ? 1n : 0n) }
  }
}

function waysOf(post: NewPost, { prepaid, cost: cost_account }: PostAccounts): Way[] {
  const { parent, id, charge, cost, provider_order_id } = post
  const subject = { kind: 'order', id }
  const hold: Movement = { kind: 'hold', account: parent.wallet, amount: charge, subject }
  const costing = (about: Subject): Movement[] => {
    if (cost === 0n) return []
    const sides = { debit: prepaid, credit: cost_account }
    return [{ kind: 'transfer', ...sides, amount: cost, reason: 'order.cost', subject: about }]
  }
  const way = (payer: Payer, key: string, movements: Movement[]): Way[] => {
    return movements.length > 0 ? [{ post, payer, entry: { key, movements } }] : []
  }
  const reserve: Movement = { kind: 'release', hold: parent.hold, amount: 'rest' }
  return [
    ...(post.agreed ? way('wallet', `order:${id}:post`, [hold, ...costing(subject)]) : []),
    ...(post.agreed && hasReserve(parent)
      ? way('reserve', `order:${id}:reserve`, [reserve, hold, ...costing(subject)])
      : []),
    ...way('house', `order:${parent.id}:unbilled:${provider_order_id}`, costing({ kind: 'order', id: parent.id })),
  ]
}

/** Whether the subscription still has set aside what the next post costs. */
export function hasReserve({ released }: Pick<Order, 'released'>): boolean {
  return released === 0n
}
