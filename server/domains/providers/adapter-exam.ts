import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import type { Outbound } from '#server/platform/outbound/outbound.ts'
import { databaseForAll } from '#test/support/database-for-all.ts'
import { testProviders } from '#test/support/providers.ts'
import { type ExamFault, INPUTS, PLACING, READING } from './faults-exam.ts'
import { FAILURES_MAX } from './limits.ts'
import { type OrderType, type PARAMS, paramsWanted, TYPE_NAMES, typeRule } from './order-types.ts'
import type { PlaceRequest, StatusRow } from './provider.ts'
import { ProviderReadError } from './provider.ts'
import type { NewProvider } from './provider-settings.ts'
import { examineRequests } from './requests-exam.ts'

/** The outside that an adapter is examined on: a real server of its protocol. */
export interface ExamWorld {
  url: string
  key: string
  /** An order that the server takes. Links differ from call to call. */
  order(): PlaceRequest
  /** The same of this type, with the parameters given; undefined when the protocol does not know the type. */
  orderOf(type: OrderType, params: Record<string, string>): PlaceRequest | undefined
  /** From now on, on each call; or on the next one only. */
  breakWith(fault: ExamFault, options?: { once: boolean }): Promise<void>
  mend(): Promise<void>
  /** Orders the server has taken. */
  orders(): Promise<number>
  /** Refills the server has taken. */
  refills(): Promise<number>
  /** Calls the server was asked. */
  calls(): Promise<number>
  /** Ends an order at the server with so much undelivered. */
  finish(id: string, end: { status: 'completed' | 'partial' | 'cancelled'; remains: number }): Promise<void>
  /** A post comes for a subscription at the server; answers which order it is there. */
  post(id: string): Promise<string>
  /** Our balance at the server, in minor units of USD. */
  balance(): Promise<bigint>
  /** Services on offer. */
  services(): Promise<number>
  close(): Promise<void>
}

export interface AdapterExam {
  /** As in `adapters.ts`. */
  adapter: string
  start(): Promise<ExamWorld>
}

/** A value of every parameter. */
const SAMPLES: Record<keyof typeof PARAMS, string> = {
  comments: 'first & second\nüber\n🙂 third',
  keywords: 'tea\nkettle',
  usernames: 'ada\ngrace',
  hashtags: 'tea\nkettle',
  hashtag: 'tea',
  username: 'ada',
  media: 'https://example.com/media/1',
  answer_number: '2',
  groups: 'https://example.com/lists/1\nhttps://example.com/lists/2',
  country: 'BD',
  device: '5',
  type_of_traffic: '3',
  google_keyword: 'tea kettle',
  referring_url: 'https://example.com/from',
  min: '10',
  max: '20',
  delay: '30',
  posts: '3',
  old_posts: '0',
  expiry: '31/12/2099',
}

/** Longer than a server on the loopback takes, short enough for a test of silence. */
const TIMEOUT_MS = 1_000
const SILENCE_MS = 250

/** Opens a world and the candidate that is examined in it. */
export type ExamSetup = (
  settings?: Partial<NewProvider>,
  wrapOutbound?: (outbound: Outbound) => Outbound,
) => ReturnType<typeof sit>

/** Registers the tests that every adapter must pass, on a real server of its protocol and with everything that Saldo puts around an adapter. */
export function examineAdapter(exam: AdapterExam): void {
  const database = databaseForAll()
  const setup: ExamSetup = (settings, wrapOutbound) => sit(exam, database(), settings, wrapOutbound)
  describe('placing', () => examinePlacing(setup))
  describe('statuses', () => examineStatuses(setup))
  describe('reading', () => examineReading(setup))
  examineRequests(setup)
}

/** One candidate at one server. When the test ends, every call must be in the log, and the key nowhere. */
async function sit(
  exam: AdapterExam,
  db: Db,
  settings: Partial<NewProvider> = {},
  wrapOutbound?: (outbound: Outbound) => Outbound,
) {
  const world = await exam.start()
  onTestFinished(() => world.close())
  const { providers, lines, add, close } = await testProviders(db, wrapOutbound ? { wrapOutbound } : {})
  const { url, key } = world
  const id = await add({ adapter: exam.adapter, url, key, timeout_ms: TIMEOUT_MS, ...settings })
  const provider = await providers.providerById(id)
  const seen: unknown[] = []
  const place = async (change: Partial<PlaceRequest> = {}, order_id?: bigint) => {
    const outcome = await provider.place({ ...world.order(), ...change }, { order_id })
    seen.push(outcome)
    return outcome
  }
  const failing = async (read: Promise<unknown>): Promise<ProviderReadError> => {
    const error = await read.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    seen.push(error)
    expect(error).toBeInstanceOf(ProviderReadError)
    return error as ProviderReadError
  }
  /** Places `count` orders and answers their ids. */
  const placed = async (count: number): Promise<string[]> => {
    const outcomes = await Promise.all(Array.from({ length: count }, () => place()))
    return outcomes.map((outcome) => (outcome.outcome === 'accepted' ? outcome.provider_order_id : ''))
  }
  onTestFinished(async () => {
    await world.mend()
    await close()
    const calls = await db.query<{ text: string; connected: boolean }>(
      `select c::text as text, response <> 'no connection' as connected from providers.call_log c where provider_id = $1`,
      [id],
    )
    expect(calls.filter((call) => call.connected).length).toBe(await world.calls())
    expect(inspect([calls, seen, lines], { depth: 10 })).not.toContain(key)
  })
  return { world, provider, place, placed, failing, db, id, close }
}

function examinePlacing(setup: ExamSetup): void {
  test('a sound order is accepted once, and its id is text', async () => {
    const { world, place } = await setup()
    const outcome = await place()
    expect(outcome).toMatchObject({ outcome: 'accepted', provider_order_id: expect.stringMatching(/^\S+$/) })
    expect(await world.orders()).toBe(1)
  })

  test.each(PLACING)('%s', async (fault, expected, orders) => {
    const { world, place } = await setup(fault.startsWith('silent') ? { timeout_ms: SILENCE_MS } : {})
    await world.breakWith(fault)
    expect(await place()).toMatchObject(expected)
    expect(await world.orders()).toBe(orders)
    // Never a second time by itself, whatever happened.
    expect(await world.calls()).toBe(1)
  })

  test.each(INPUTS)('%o is refused as %s', async (change, code) => {
    const { world, place } = await setup()
    expect(await place(change)).toMatchObject({ outcome: 'rejected', code })
    expect(await world.orders()).toBe(0)
  })

  test.each(TYPE_NAMES)(
    'an order of type %s is accepted with what it consists of, and refused without',
    async (type) => {
      const { world, place } = await setup()
      const values = [
        { ...SAMPLES },
        ...(typeRule(type).more ?? []).map(({ when, is }) => ({ ...SAMPLES, [when]: is })),
      ]
      for (const params of values) {
        const order = world.orderOf(type, params)
        if (order === undefined) return
        expect(await place(order)).toMatchObject({ outcome: 'accepted' })
        for (const name of paramsWanted(type, params)) {
          const { [name]: _, ...rest } = params
          expect(await place({ ...order, params: rest })).toMatchObject({ outcome: 'rejected', code: 'bad_parameters' })
        }
      }
      expect(await world.orders()).toBe(values.length)
    },
  )

  test('a wrong key is refused as such', async () => {
    const { place } = await setup({ key: 'quite-another-key' })
    expect(await place()).toMatchObject({ outcome: 'rejected', code: 'invalid_key' })
  })

  test('where nobody listens, nothing was sent', async () => {
    const { world, place, failing, provider } = await setup()
    await world.close()
    expect(await place()).toMatchObject({ outcome: 'rejected', code: 'not_sent' })
    expect(await failing(provider.balance())).toMatchObject({ reason: 'unreachable' })
  })

  test('unknown outcomes in a row keep further orders at home', async () => {
    const { world, place } = await setup()
    await world.breakWith('cut_after')
    for (let count = 0; count < FAILURES_MAX; count++) expect(await place()).toMatchObject({ outcome: 'unknown' })
    expect(await place()).toMatchObject({ outcome: 'rejected', code: 'not_sent' })
    expect(await world.orders()).toBe(FAILURES_MAX)
  })

  test('refusals keep nobody at home', async () => {
    const { world, place } = await setup()
    await world.breakWith('no_funds')
    for (let count = 0; count < 12; count++) {
      expect(await place()).toMatchObject({ code: 'insufficient_provider_balance' })
    }
  })

  test('no more calls at a time than allowed, and all of them in the end', async () => {
    let [now, most] = [0, 0]
    const counted = (outbound: Outbound): Outbound => ({
      ...outbound,
      call: async (request) => {
        now += 1
        most = Math.max(most, now)
        return outbound.call(request).finally(() => {
          now -= 1
        })
      },
    })
    const { world, placed } = await setup({ concurrency: 3 }, counted)
    await world.breakWith('slow')
    expect(new Set(await placed(12)).size).toBe(12)
    expect(most).toBe(3)
  })

  test('the log names order, action and outcome', async () => {
    const { place, close, db, id } = await setup()
    await place({}, 77n)
    await place({ provider_service_id: '999999' }, 78n)
    await close()
    const rows = await db.query<{ order_id: bigint; outcome: string; http_status: number; response: string }>(
      'select order_id, outcome, http_status, response from providers.call_log where provider_id = $1 order by order_id',
      [id],
    )
    expect(rows.map((row) => [row.order_id, row.outcome])).toEqual([
      [77n, 'accepted'],
      [78n, 'rejected: service_not_found'],
    ])
    expect(rows.every((row) => row.http_status === 200 && row.response !== '')).toBe(true)
  })
}

function examineStatuses(setup: ExamSetup): void {
  const words = (rows: Map<string, StatusRow>) => [...rows.values()].map((row) => (row.ok ? row.status : row.reason))

  test('each way to end, with figures, and one call for all', async () => {
    const { world, provider, placed } = await setup()
    const [whole = '', half = '', none = '', open = ''] = await placed(4)
    await world.finish(whole, { status: 'completed', remains: 0 })
    await world.finish(half, { status: 'partial', remains: 40 })
    await world.finish(none, { status: 'cancelled', remains: 100 })
    const before = await world.calls()
    const rows = await provider.statuses([whole, half, none, open, 'nobody'])
    expect(await world.calls()).toBe(before + 1)
    expect([...rows.keys()]).toEqual([whole, half, none, open, 'nobody'])
    expect(rows.get(whole)).toMatchObject({ ok: true, status: 'completed', remains: 0n })
    expect(rows.get(half)).toMatchObject({ ok: true, status: 'partial', remains: 40n, currency: 'USD' })
    expect(rows.get(none)).toMatchObject({ ok: true, status: 'cancelled', charge: 0n })
    expect(rows.get(open)).toMatchObject({ ok: true })
    expect(rows.get('nobody')).toMatchObject({ ok: false, reason: 'not_found' })
  })

  test('a subscription tells how it stands and which orders its posts are, and a plain order none', async () => {
    const { world, provider, place, placed } = await setup()
    const order = world.orderOf('Subscriptions', SAMPLES)
    if (order === undefined) return
    const outcome = await place(order)
    const id = outcome.outcome === 'accepted' ? outcome.provider_order_id : ''
    const [first, second, [plain = '']] = [await world.post(id), await world.post(id), await placed(1)]
    const rows = await provider.statuses([id, plain, first])
    const posts = [first, second].map((each) => ({ provider_order_id: each }))
    expect(rows.get(id)).toMatchObject({ ok: true, status: 'active', posts })
    expect(rows.get(first)).toMatchObject({ ok: true, status: 'pending' })
    expect(rows.get(plain)).not.toHaveProperty('posts')
    expect(await provider.cancel(id, { order_id: 7n })).toEqual({ outcome: 'accepted' })
    expect((await provider.statuses([id])).get(id)).toMatchObject({ status: 'cancelled', posts })
  })

  test('a hundred orders in one call, one asked twice in one row', async () => {
    const { world, provider, placed } = await setup()
    const ids = await placed(100)
    const before = await world.calls()
    const rows = await provider.statuses([...ids.slice(1), ids[1] ?? ''])
    expect(rows.size).toBe(99)
    expect([...rows.values()].every((row) => row.ok)).toBe(true)
    expect(await world.calls()).toBe(before + 1)
  })

  test('nobody asked for is no call', async () => {
    const { provider } = await setup()
    expect(await provider.statuses([])).toEqual(new Map())
  })

  test('one order alone, there or not', async () => {
    const { provider, placed } = await setup()
    const [id = ''] = await placed(1)
    expect((await provider.statuses([id])).get(id)).toMatchObject({ ok: true })
    expect((await provider.statuses(['nobody'])).get('nobody')).toMatchObject({ ok: false, reason: 'not_found' })
  })

  test('ids that are none, and ids named like what objects inherit, get a row and harm no other', async () => {
    const { provider, placed } = await setup()
    const [id = ''] = await placed(1)
    const odd = ['', 'a,b', 'a b', '-1', '__proto__', 'constructor', 'x'.repeat(200)]
    const rows = await provider.statuses([...odd, id])
    expect(rows.get(id)).toMatchObject({ ok: true })
    for (const each of odd) expect(rows.get(each)).toMatchObject({ ok: false })
  })

  test.each([
    ['row_missing', 'missing'],
    ['row_refused', 'not_found'],
    ['row_rubbish', 'unreadable'],
  ] as const)('%s spoils one row of five', async (fault, reason) => {
    const { world, provider, placed } = await setup()
    const ids = await placed(5)
    await world.breakWith(fault)
    const rows = await provider.statuses(ids)
    expect(words(rows).filter((word) => word === reason)).toHaveLength(1)
    expect([...rows.values()].filter((row) => row.ok)).toHaveLength(4)
  })

  test('a batch that is refused whole is asked for in parts, down to single orders', async () => {
    const { world, provider, placed } = await setup()
    const ids = await placed(9)
    await world.breakWith('batch_refused')
    const rows = await provider.statuses(ids)
    expect([...rows.values()].every((row) => row.ok)).toBe(true)
  })

  test('a status that nobody knows is unreadable, never guessed', async () => {
    const { world, provider, placed } = await setup()
    const ids = await placed(3)
    await world.breakWith('status_unknown')
    expect(words(await provider.statuses(ids))).toEqual(['unreadable', 'unreadable', 'unreadable'])
  })

  test('a figure that is none is absent, never zero', async () => {
    const { world, provider, placed } = await setup()
    const ids = await placed(2)
    await world.breakWith('figures_unreadable')
    for (const row of (await provider.statuses(ids)).values()) {
      expect(row).toMatchObject({ ok: true, charge: undefined, remains: undefined, start_count: undefined })
    }
  })

  test.each(READING)('%s fails the whole batch as %s', async (fault, reason) => {
    const { world, provider, placed, failing } = await setup(
      fault.startsWith('silent') ? { timeout_ms: SILENCE_MS } : {},
    )
    const ids = await placed(2)
    await world.breakWith(fault)
    // Rubbish to each single order is told by rows; to all of them it is told by the whole.
    const single = reason === 'unreadable_answer' || reason === 'server_error'
    if (single) expect([...(await provider.statuses(ids)).values()].some((row) => row.ok)).toBe(false)
    else expect(await failing(provider.statuses(ids))).toMatchObject({ reason })
  })
}

function examineReading(setup: ExamSetup): void {
  test('the balance, to the minor unit', async () => {
    const { world, provider } = await setup()
    expect(await provider.balance()).toEqual({ balance: await world.balance(), currency: 'USD' })
  })

  test('the services, all readable', async () => {
    const { world, provider } = await setup()
    const { services, unreadable } = await provider.services()
    expect(unreadable).toBe(0)
    expect(services.length).toBe(await world.services())
    expect(
      services.every((service) => service.type !== undefined && service.rate > 0n && service.max >= service.min),
    ).toBe(true)
  })

  test.each(READING)('%s ends as %s after %i calls', async (fault, reason, calls) => {
    const { world, provider, failing } = await setup(fault.startsWith('silent') ? { timeout_ms: SILENCE_MS } : {})
    await world.breakWith(fault)
    expect(await failing(provider.balance())).toMatchObject({ reason })
    expect(await world.calls()).toBe(calls)
    expect(await failing(provider.services())).toMatchObject({ reason })
  })

  test('a fault that passes is not noticed', async () => {
    const { world, provider } = await setup()
    await world.breakWith('cut_before', { once: true })
    expect(await provider.balance()).toEqual({ balance: await world.balance(), currency: 'USD' })
  })

  test('an answer beyond the cap is cut off', async () => {
    const { world, provider, failing } = await setup()
    await world.breakWith('endless_after')
    expect(await failing(provider.services())).toMatchObject({ reason: 'unreadable_answer' })
  })
}
