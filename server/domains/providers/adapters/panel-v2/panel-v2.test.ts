import { describe, expect, onTestFinished, test } from 'vitest'
import { CATALOGUE, type CatalogueItem } from '#sandbox/provider/catalogue.ts'
import { controlOf } from '#sandbox/provider/client.ts'
import type { FaultName } from '#sandbox/provider/faults.ts'
import type { Extensions } from '#sandbox/provider/panel.ts'
import { SERVICE_TYPES } from '#sandbox/provider/service-types.ts'
import { type ProviderPanelOptions, startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { type AdapterExam, examineAdapter } from '#server/domains/providers/adapter-exam.ts'
import type { ExamFault } from '#server/domains/providers/faults-exam.ts'
import type { OrderType } from '#server/domains/providers/order-types.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { parseAmount } from '#server/kit/money.ts'
import { databaseForAll } from '#test/support/database-for-all.ts'
import { testProviders } from '#test/support/providers.ts'

const KEY = 'canary-key-of-the-panel'

/** What the panel calls each fault; several where a figure can be unreadable in several ways. */
const FAULTS: Record<ExamFault, readonly FaultName[]> = {
  cut_before: ['cut_before'],
  cut_after: ['cut_after'],
  cut_within_answer: ['cut_middle'],
  silent_before: ['hang'],
  silent_after: ['hang_after'],
  crash_before: ['http_5xx'],
  crash_after: ['http_5xx_after'],
  gateway_error_after: ['http_502_after'],
  page_before: ['html'],
  page_after: ['html_after'],
  challenge_before: ['cloudflare'],
  empty_before: ['empty_body'],
  empty_after: ['empty_body_after'],
  broken_before: ['bad_json'],
  broken_after: ['bad_json_after'],
  endless_after: ['huge_body_after'],
  no_id_after: ['order_missing_after'],
  redirect: ['redirect'],
  no_funds: ['empty_balance'],
  no_funds_as_crash: ['http_5xx_refusal'],
  duplicate: ['duplicate_link'],
  rate_limited: ['rate_limit'],
  wrong_key: ['wrong_key'],
  slow: ['delay'],
  row_missing: ['row_missing'],
  row_refused: ['row_bare_string'],
  row_rubbish: ['row_garbage'],
  batch_refused: ['batch_error'],
  status_unknown: ['status_unknown'],
  figures_unreadable: ['numbers_empty'],
  cancel_refused: ['cancel_refused'],
  cancel_ignored: ['cancel_ignored'],
  refill_refused: ['refill_refused'],
  refill_status_unknown: ['refill_status_unknown'],
}

const FINAL = { completed: 'Completed', partial: 'Partial', cancelled: 'Canceled' } as const

/** Long enough that no order ends by itself while a test runs. */
const PACE = { complete_ms_min: 3_600_000, complete_ms_max: 3_600_000 }

/** One service of every type, whatever is on sale otherwise. */
const OF_EACH_TYPE = SERVICE_TYPES.map((type, i): CatalogueItem => {
  const [item] = CATALOGUE as [CatalogueItem]
  return { ...item, service: 9_001 + i, name: `Something of type ${type}`, type, rate: '1.00', min: 1 }
})

async function startWorld(options: Partial<ProviderPanelOptions> = {}) {
  const panel = await startProviderPanel({
    key: KEY,
    balance: '25000.123456',
    pace: PACE,
    catalogue: [...CATALOGUE, ...OF_EACH_TYPE],
    ...options,
  })
  const control = controlOf(panel.control_url)
  let links = 0
  let closed = false
  let requests = 0
  const callsNow = async () => {
    if (closed) return requests
    const { requests: counted } = await control.summary()
    // Counted besides the action: the request with a wrong key is both.
    return Object.entries(counted).reduce((sum, [name, count]) => sum + (name === 'wrong_key' ? 0 : count), 0)
  }
  const order = () => {
    links += 1
    const link = `https://example.com/text/${links}`
    return {
      attempt_key: `a${links}`,
      provider_service_id: '201',
      type: 'Default',
      link,
      quantity: 100n,
      params: {},
    } as const
  }
  return {
    url: panel.url,
    key: KEY,
    control,
    order,
    orderOf: (type: OrderType, params: Record<string, string>) => {
      const service = OF_EACH_TYPE.find((each) => each.type === type)
      return { ...order(), provider_service_id: String(service?.service), type, params }
    },
    breakWith: async (fault: ExamFault, { once } = { once: false }) => {
      const setting = { probability: 1, ...(once ? { limit: 1 } : {}), ...(fault === 'slow' ? { ms: 50 } : {}) }
      await control.setFaults(Object.fromEntries(FAULTS[fault].map((name) => [name, setting])))
    },
    mend: async () => {
      if (!closed) await control.setFaults({})
    },
    orders: async () => (await control.summary()).orders_accepted,
    refills: async () => (await control.summary()).refills,
    calls: callsNow,
    finish: async (id: string, end: { status: keyof typeof FINAL; remains: number }) => {
      await control.finish(id, { status: FINAL[end.status], remains: end.remains })
    },
    post: async (id: string) => (await control.post(id)).id,
    balance: async () => parseAmount((await control.summary()).balance, 6) ?? -1n,
    services: async () => (await control.services()).length,
    close: async () => {
      if (closed) return
      requests = await callsNow()
      closed = true
      await panel.close()
    },
  }
}

describe('the exam', () => {
  const exam: AdapterExam = { adapter: 'panel-v2', start: () => startWorld() }
  examineAdapter(exam)
})

describe('the extensions of some panels', () => {
  const database = databaseForAll()

  async function setup(extensions: Partial<Extensions>, settings: Partial<NewProvider> = {}) {
    const world = await startWorld({ extensions })
    onTestFinished(() => world.close())
    const { providers, add } = await testProviders(database())
    const id = await add({ url: world.url, key: world.key, ...settings })
    return { world, provider: await providers.providerById(id) }
  }

  const span = (seconds: number) => ({
    provider_service_id: '201',
    from: new Date(Date.now() - seconds * 1_000),
    to: new Date(Date.now() + seconds * 1_000),
  })

  test('a list of orders is read to its end, of one service and one span', async () => {
    const { world, provider } = await setup({ orders_list: true }, { lists_orders: true })
    const ordered = (service: string, n: number) => ({ service, link: `https://example.com/${n}`, quantity: '100' })
    const { ids } = await world.control.enterOrders(Array.from({ length: 401 }, (_, n) => ordered('201', n)))
    await world.control.enterOrders([ordered('101', 1)])
    const list = await provider.listOrders?.(span(60))
    expect(list).toMatchObject({ complete: true, now: expect.any(Date) })
    expect(list?.orders.map((order) => order.provider_order_id)).toEqual(ids)
    expect(list?.orders[7]).toMatchObject({
      provider_service_id: '201',
      link: 'https://example.com/7',
      quantity: 100n,
      charge: 950_000n,
    })
    const before = { ...span(60), to: new Date(Date.now() - 30_000) }
    expect(await provider.listOrders?.(before)).toMatchObject({ orders: [], complete: true })
  })

  test('a panel without a list refuses, and one that is not said to have it is not asked', async () => {
    const { provider } = await setup({}, { lists_orders: true })
    await expect(provider.listOrders?.(span(60))).rejects.toMatchObject({ reason: 'refused' })
    expect((await setup({ orders_list: true })).provider.listOrders).toBeUndefined()
  })

  test.each<[Partial<Extensions>, 'none' | 'request_id' | 'natural_window', string, number]>([
    [{}, 'none', 'a1', 2],
    [{ request_id: true }, 'none', 'a1', 2],
    [{ request_id: true }, 'request_id', 'a1', 1],
    [{ request_id: true }, 'request_id', 'another', 2],
    [{ natural_window_ms: 60_000 }, 'natural_window', 'another', 1],
  ])('%o, asked as %s and again as %s: %i orders', async (extensions, idempotency, key, orders) => {
    const { world, provider } = await setup(extensions, { idempotency })
    const request = { ...world.order(), attempt_key: 'a1' }
    const first = await provider.place(request, { order_id: undefined })
    const again = await provider.place({ ...request, attempt_key: key }, { order_id: undefined })
    expect(await world.orders()).toBe(orders)
    if (orders === 1) expect(again).toEqual(first)
  })
})

const AN_ORDER = { service: '201', link: 'https://example.com/text', quantity: '100' }

describe('oddities of panels', () => {
  const database = databaseForAll()

  async function setup(faults: Partial<Record<FaultName, number>>) {
    const db = database()
    const world = await startWorld()
    onTestFinished(() => world.close())
    const { providers, add } = await testProviders(db)
    const id = await add({ url: world.url, key: world.key })
    await world.control.setFaults(faults)
    return { world, db, provider: await providers.providerById(id) }
  }

  test.each<FaultName>([
    'bom',
    'wrong_content_type',
    'http_201',
    'order_string',
    'order_id_field',
    'order_status_success',
    'order_extra_fields',
    'order_text_id',
  ])('an order is accepted under %s, and found again', async (fault) => {
    const { world, provider } = await setup({ [fault]: 1 })
    const outcome = await provider.place(world.order(), { order_id: undefined })
    const [order] = await world.control.allOrders()
    expect(outcome).toMatchObject({ outcome: 'accepted', provider_order_id: order?.id })
    if (fault === 'order_extra_fields') expect(outcome).toMatchObject({ charge: parseAmount(order?.charge ?? '', 6) })
    const id = order?.id ?? ''
    expect((await provider.statuses([id, '1'])).get(id)).toMatchObject({ ok: true, charge: 950_000n, currency: 'USD' })
  })

  test('refusals are understood as keys and with HTTP 400', async () => {
    const { world, provider } = await setup({ error_keys: 1, errors_4xx: 1 })
    const refusalOf = async (change: object) => {
      const outcome = await provider.place({ ...world.order(), ...change }, { order_id: undefined })
      return outcome.outcome === 'rejected' ? outcome.code : outcome.outcome
    }
    expect(await refusalOf({ provider_service_id: '1' })).toBe('service_not_found')
    expect(await refusalOf({ link: 'nowhere' })).toBe('bad_link')
    expect(await refusalOf({ quantity: 1n })).toBe('quantity_out_of_range')
    expect(await refusalOf({ provider_service_id: '801', type: 'Custom Comments', params: {} })).toBe('bad_parameters')
    await world.control.setBalance('0')
    expect(await refusalOf({})).toBe('insufficient_provider_balance')
    expect((await provider.statuses(['5'])).get('5')).toMatchObject({ ok: false, reason: 'not_found' })
  })

  test.each<[FaultName, object]>([
    ['numbers_plain', { charge: 950_000n, start_count: 0n, remains: 100n }],
    ['numbers_null', { charge: undefined, start_count: undefined, remains: undefined }],
    ['numbers_unknown', { charge: 950_000n, start_count: undefined, remains: undefined }],
    ['start_counter', { charge: 950_000n, start_count: 0n, remains: 100n }],
    ['status_spelling', { status: 'pending' }],
  ])('a status is read under %s', async (fault, expected) => {
    const { world, provider } = await setup({})
    const placed = await provider.place(world.order(), { order_id: undefined })
    const id = placed.outcome === 'accepted' ? placed.provider_order_id : ''
    await world.control.setFaults({ [fault]: 1 })
    expect((await provider.statuses([id])).get(id)).toMatchObject({ ok: true, ...expected })
  })

  test('one unknown id that fails the whole batch is found out', async () => {
    const { world, provider } = await setup({ batch_error_on_bad_id: 1 })
    const ids: string[] = []
    for (let count = 0; count < 10; count++) {
      const outcome = await provider.place(world.order(), { order_id: undefined })
      if (outcome.outcome === 'accepted') ids.push(outcome.provider_order_id)
    }
    const rows = await provider.statuses([...ids.slice(0, 4), '17', ...ids.slice(4)])
    expect(ids.every((id) => rows.get(id)?.ok)).toBe(true)
    expect(rows.get('17')).toMatchObject({ ok: false, reason: 'not_found' })
  })

  test.each<FaultName>([
    'services_wrapped',
    'services_string_ids',
    'services_lowercase_types',
    'booleans_numbers',
    'booleans_strings',
    'booleans_yes_no',
    'booleans_absent',
    'numbers_plain',
  ])('services are read under %s as without', async (fault) => {
    const { world, provider } = await setup({})
    const plain = await provider.services()
    await world.control.setFaults({ [fault]: 1 })
    const { services, unreadable } = await provider.services()
    expect(unreadable).toBe(0)
    const same = plain.services.map(({ raw_type: _, ...service }) =>
      fault === 'booleans_absent' ? { ...service, refill: false, cancel: false, dripfeed: false } : service,
    )
    expect(services.map(({ raw_type: _, ...service }) => service)).toEqual(same)
  })

  test.each<FaultName>(['services_empty', 'services_empty_data'])('no services are none under %s', async (fault) => {
    const { provider } = await setup({ [fault]: 1 })
    expect(await provider.services()).toEqual({ services: [], unreadable: 0 })
  })

  test('a plain panel gets nothing but the fields it documents; one that knows request_id gets it', async () => {
    const world = await startWorld()
    onTestFinished(() => world.close())
    const { providers, add } = await testProviders(database())
    for (const idempotency of ['none', 'natural_window', 'request_id'] as const) {
      const provider = await providers.providerById(await add({ url: world.url, key: KEY, idempotency }))
      await provider.place({ ...world.order(), attempt_key: 'the-attempt' }, { order_id: 5n })
    }
    const fields = (await world.control.allOrders()).map((order) => Object.keys(order.fields).sort())
    const plain = ['action', 'link', 'quantity', 'service']
    expect(fields).toEqual([plain, plain, ['action', 'link', 'quantity', 'request_id', 'service']])
  })

  test('each type sends what it consists of and nothing else, and the panel counts as we do', async () => {
    const { world, provider } = await setup({})
    const params = { usernames: 'ada\ngrace', comments: 'first & second\nüber\n🙂 third', device: '5' }
    const sent = async (type: OrderType) => {
      await provider.place(world.orderOf(type, params), { order_id: undefined })
      const { fields, quantity } = (await world.control.allOrders()).at(-1) as { fields: object; quantity: number }
      const { action: _a, service: _s, link: _l, ...more } = fields as Record<string, string>
      return [more, quantity]
    }
    expect(await sent('Default')).toEqual([{ quantity: '100' }, 100])
    expect(await sent('Package')).toEqual([{}, 1])
    expect(await sent('Custom Comments')).toEqual([{ comments: params.comments }, 3])
    expect(await sent('Custom Comments Package')).toEqual([{ comments: params.comments }, 1])
    expect(await sent('Mentions')).toEqual([{ quantity: '100', usernames: params.usernames }, 100])
    expect(await sent('Mentions Custom List')).toEqual([{ usernames: params.usernames }, 2])
    const terms = { username: 'ada', min: '10', max: '20', delay: '0' }
    await provider.place(world.orderOf('Subscriptions', { ...terms, posts: '3' }), { order_id: undefined })
    const [subscription] = (await world.control.allOrders()).slice(-1)
    const { action: _, service: __, ...asked } = subscription?.fields ?? {}
    expect(asked).toEqual({ ...terms, posts: '3' })
  })

  const TERMS = { username: 'ada', min: '10', max: '20', delay: '0' }

  test.each<[FaultName, (ids: string[]) => unknown]>([
    ['numbers_plain', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['status_spelling', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['posts_twice', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['posts_strings', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['posts_text', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['posts_object', (ids) => ids.map((id) => ({ provider_order_id: id }))],
    ['posts_rows', (ids) => ids.map((id, i) => ({ provider_order_id: id, quantity: i === 0 ? 12n : 20n }))],
    ['posts_late', ([first]) => [{ provider_order_id: first }]],
    ['posts_missing', () => undefined],
    ['posts_garbage', () => 'unreadable'],
  ])('the posts of a subscription are read under %s', async (fault, expected) => {
    const { world, provider } = await setup({})
    const placed = await provider.place(world.orderOf('Subscriptions', TERMS), { order_id: undefined })
    const id = placed.outcome === 'accepted' ? placed.provider_order_id : ''
    const first = (await world.control.post(id, { quantity: 12 })).id
    const second = (await world.control.post(id)).id
    await world.control.setFaults({ [fault]: 1 })
    const row = (await provider.statuses([id, first])).get(id)
    expect(row).toMatchObject({ ok: true, status: 'active' })
    expect(row?.ok && row.posts).toEqual(expected([first, second]))
  })

  test.each<[FaultName, object]>([
    ['cancel_wrapped', { outcome: 'accepted' }],
    ['cancel_object', { outcome: 'accepted' }],
    ['cancel_row_errors', { outcome: 'accepted' }],
    ['cancel_refused', { outcome: 'rejected', code: 'other' }],
  ])('an order is cancelled under %s', async (fault, expected) => {
    const { world, provider } = await setup({ [fault]: 1 })
    const { ids } = await world.control.enterOrders([AN_ORDER])
    expect(await provider.cancel(ids[0] ?? '', { order_id: 5n })).toMatchObject(expected)
    expect(await provider.cancel('17', { order_id: 5n })).toMatchObject({
      outcome: 'rejected',
      message: expect.stringMatching(/order ID/),
    })
  })

  test.each<FaultName>(['refill_number', 'refill_success', 'refill_error_object', 'refill_status_array'])(
    'an order is refilled and the refill followed under %s',
    async (fault) => {
      const { world, provider } = await setup({ [fault]: 1 })
      const { ids } = await world.control.enterOrders([AN_ORDER])
      const id = ids[0] ?? ''
      expect(await provider.refill(id, { order_id: 5n })).toMatchObject({ outcome: 'rejected' })
      await world.control.finish(id, { status: 'Completed' })
      expect(await provider.refill(id, { order_id: 5n })).toEqual({ outcome: 'accepted', provider_refill_id: '1' })
      expect((await provider.refillStatuses(['1'])).get('1')).toMatchObject({ ok: true, status: 'pending' })
      expect((await provider.refillStatuses(['1', '2'])).get('2')).toMatchObject({ reason: 'not_found' })
    },
  )
})
