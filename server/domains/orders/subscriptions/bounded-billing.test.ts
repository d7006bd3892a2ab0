import fc from 'fast-check'
import { expect, test } from 'vitest'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { newUuid } from '#server/kit/id.ts'
import { chargeFor } from '#server/kit/money.ts'
import { expectSound, orderNow, told } from '#test/support/order-book.ts'
import { openShop, type Shop } from '#test/support/shop.ts'
import { postsOf, report, subscribed, subscriptionNow } from '#test/support/subscriptions.ts'
import { accountIds, worldIn } from '../accounts.ts'
import { cancelOrders } from '../cancelling/cancel-orders.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { FINAL_STATES, type Order } from '../order.ts'

/** Runs by default in some twenty seconds; more by SALDO_TEST_MODEL_RUNS. */
const RUNS = Number(process.env.SALDO_TEST_MODEL_RUNS ?? 25)

/** What may happen to a subscription, in any order. */
type Step =
  | { kind: 'posts'; quantities: bigint[] }
  | { kind: 'again'; from: number; to: number }
  | { kind: 'pay_in'; amount: bigint }
  | { kind: 'take_out' }
  | { kind: 'cancel' }
  | { kind: 'post_ends'; which: number; how: 'completed' | 'partial' | 'cancelled' }
  | { kind: 'says'; status: 'active' | 'paused' | 'completed' | 'expired' | 'cancelled' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('posts' as const),
        // Beyond 10 to 20 it makes no sense and counts as 20.
        quantities: fc.array(fc.bigInt({ min: 8n, max: 22n }), { minLength: 1, maxLength: 3 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), from: fc.nat(5), to: fc.nat(9) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('pay_in' as const), amount: fc.bigInt({ min: 1n, max: 6_000_000n }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'take_out' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'cancel' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('post_ends' as const),
        which: fc.nat(9),
        how: fc.constantFrom('completed' as const, 'partial' as const, 'cancelled' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('says' as const),
        status: fc.constantFrom('active' as const, 'paused' as const, 'completed' as const, 'cancelled' as const),
      }),
    },
  ),
  { minLength: 3, maxLength: 14 },
)

/** What the world has seen of it, apart from our own books. */
class World {
  readonly #shop: Shop
  readonly #customer: { id: bigint; wallet: bigint }
  readonly #order: Order
  /** Everything that was reported, in its order, with its pieces as billed. */
  readonly reported: { id: string; quantity: bigint }[] = []

  constructor(shop: Shop, customer: { id: bigint; wallet: bigint }, order: Order) {
    this.#shop = shop
    this.#customer = customer
    this.#order = order
  }

  async take(step: Step): Promise<void> {
    const [shop, order] = [this.#shop, this.#order]
    switch (step.kind) {
      case 'posts':
        for (const quantity of step.quantities) {
          this.reported.push({ id: `${order.id}-${this.reported.length}`, quantity })
        }
        return report(shop, order, this.reported)
      case 'again':
        return report(shop, order, this.reported.slice(step.from, step.to))
      case 'pay_in':
        return this.#move(step.amount)
      case 'take_out': {
        const { posted, held } = await shop.wallet(this.#customer.id)
        return this.#move(held - posted)
      }
      case 'cancel':
        await cancelOrders(shop.app, [order.id], { customer_id: this.#customer.id })
        return
      case 'post_ends': {
        const posts = await postsOf(shop, order.id)
        const post = posts[step.which % Math.max(1, posts.length)]
        if (post) await recordStatuses(shop.app, [{ order_id: post.id, row: told(step.how, { remains: 3n }) }])
        return
      }
      default:
        return report(shop, order, this.reported, step.status)
    }
  }

  /** Into the wallet, or out of it. */
  async #move(amount: bigint): Promise<void> {
    if (amount === 0n) return
    const [world] = (await accountIds(this.#shop.app.db, [worldIn('USD')])) as [bigint]
    const { wallet } = this.#customer
    const sides = amount > 0n ? { debit: world, credit: wallet } : { debit: wallet, credit: world }
    const movement = { kind: 'transfer', ...sides, amount: amount > 0n ? amount : -amount, reason: 'test' } as const
    await this.#shop.app.db.transaction((tx) => postEntries(tx, [{ key: `test:${newUuid()}`, movements: [movement] }]))
  }
}

test('whatever is reported, paid in, taken out or cancelled, in any order, nobody pays more than was agreed on and nothing stays behind', async () => {
  const shop = await openShop({ provider: { enabled: false }, panel: { balance: '1000000' } })
  const per_piece = await subscribed(shop, (await shop.customer()).id)
  const priceOf = (quantity: bigint) => chargeFor(per_piece.rate, quantity >= 10n && quantity <= 20n ? quantity : 20n)
  const property = fc.asyncProperty(
    steps,
    fc.option(fc.integer({ min: 1, max: 4 })),
    fc.bigInt({ min: 2_300_000n, max: 15_000_000n }),
    async (taken, posts, funds) => {
      const customer = await shop.customer(`${funds / 1_000_000n}.${String(funds % 1_000_000n).padStart(6, '0')}`)
      const wanted = posts === null ? {} : { posts: String(posts) }
      const order = await subscribed(shop, customer.id, { username: `u${customer.id}`, ...wanted })
      const prepaid = await shop.prepaid()
      const world = new World(shop, customer, order)
      for (const step of taken) {
        await world.take(step)
        const { posted, held } = await shop.wallet(customer.id)
        expect(posted >= held && held >= 0n).toBe(true)
      }

      const made = await postsOf(shop, order.id)
      const { posts_max } = await subscriptionNow(shop, order.id)
      const unbilled = await shop.app.db.query<{ provider_order_id: string; cost: bigint }>(
        'select provider_order_id, cost from orders.unbilled_post where subscription_id = $1',
        [order.id],
      )
      // As many as were reported, each once, be it billed or lost; and never more than the bound.
      expect(made.length <= posts_max).toBe(true)
      const numbers = [...made, ...unbilled].map((each) => each.provider_order_id)
      const reported = new Set(world.reported.map(({ id }) => id))
      expect(numbers.every((each) => each !== null && reported.has(each))).toBe(true)
      expect(new Set(numbers).size).toBe(numbers.length)
      for (const post of made) {
        const told = world.reported.find(({ id }) => id === post.provider_order_id)
        expect(post.charge).toBe(priceOf(told?.quantity ?? 0n))
        expect(post.charge <= order.charge).toBe(true)
      }

      // All comes to its end, and then nothing is held any more.
      await report(shop, order, world.reported, 'cancelled')
      const open = (await postsOf(shop, order.id)).filter(({ state }) => !FINAL_STATES.includes(state))
      await recordStatuses(
        shop.app,
        open.map(({ id }) => ({ order_id: id, row: told('completed') })),
      )
      expect(await shop.wallet(customer.id)).toMatchObject({ held: 0n })
      const ends = [await orderNow(shop, order.id), ...(await postsOf(shop, order.id))]
      expect(ends.every(({ captured, released, charge }) => captured + released === charge)).toBe(true)
      expect(ends[0]?.captured).toBe(0n)
      // What providers took is booked once, with whom it was taken for.
      const booked = ends.reduce((all, each) => all + each.booked_cost, 0n)
      expect(await shop.prepaid()).toBe(prepaid - booked)
    },
  )
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true })
  await expectSound(shop.app)
}, 180_000)
