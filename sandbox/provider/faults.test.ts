import { describe, expect, test } from 'vitest'
import { FAULT_NAMES, type FaultName } from './faults.ts'
import { startTestPanel, type TestPanel } from './test-panel.ts'

const LINK = 'https://example.org/text'
const ADD = { action: 'add', service: '101', link: LINK, quantity: '1000' }
const NOT_FOUND = { error: 'Incorrect order ID' }

/** Longer than the loopback ever takes, so that silence is silence. */
const SILENCE_MS = 300

type Check = (panel: TestPanel) => Promise<void>

/** An answer's status, type and text to one `add`, or how the connection failed. */
async function answerTo({ send }: TestPanel): Promise<{ status: number; type: string | null; text: string } | string> {
  try {
    const response = await send(ADD, { signal: AbortSignal.timeout(SILENCE_MS) })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

/** The fault gives this answer to `add`; the order exists, or does not. */
function answersAdd(expected: unknown, accepted: 0 | 1): Check {
  return async (panel) => {
    expect(await answerTo(panel)).toEqual(expected)
    const summary = await panel.control.summary()
    expect(summary.orders_accepted).toBe(accepted)
    expect(summary.orders_unanswered).toBe(accepted)
    expect(summary.balance).toBe(accepted === 1 ? '24962.00' : '25000.00')
  }
}

/** The same, where a status and a part of the text say enough. */
function answersWith(status: number, text: string, accepted: 0 | 1): Check {
  return answersAdd({ status, type: expect.any(String), text: expect.stringContaining(text) }, accepted)
}

/** `add` is accepted and answered in this shape. */
function shapesAdd(expected: unknown): Check {
  return async ({ ask }) => expect(await ask(ADD)).toEqual(expected)
}

/** `add` is refused with this text, and nothing is accepted. */
function refusesAdd(error: string): Check {
  return async ({ ask, control }) => {
    expect(await ask(ADD)).toEqual({ error })
    expect((await control.summary()).orders_accepted).toBe(0)
  }
}

/** The status of an order that is done shows these fields. */
function shapesStatus(expected: Record<string, unknown>): Check {
  return async ({ place, ask, pass }) => {
    const order = await place()
    pass(100_000)
    expect(await ask({ action: 'status', order })).toMatchObject(expected)
  }
}

/** Of two orders asked for together, one row is spoiled like this and the other is whole. */
function spoilsRow(spoiled: unknown): Check {
  return async ({ place, ask }) => {
    const ids = [await place(), await place({ link: `${LINK}/2` })]
    const rows = (await ask({ action: 'status', orders: ids.join() })) as Record<string, unknown>
    const values = ids.map((id) => rows[id])
    expect(values).toContainEqual(spoiled)
    expect(values).toContainEqual(expect.objectContaining({ status: 'Pending' }))
  }
}

/** The list of services, or its first row, looks like this. */
function shapesServices(expected: unknown): Check {
  return async ({ ask }) => expect(await ask({ action: 'services' })).toEqual(expected)
}
const firstService = (row: Record<string, unknown>) =>
  shapesServices(expect.arrayContaining([expect.objectContaining(row)]))

const SUBSCRIBE = { action: 'add', service: '1602', username: 'ada', min: '10', max: '20', delay: '0' }

/** A subscription with two posts lists its orders like this. */
function listsPosts(expected: unknown): Check {
  return async ({ ask, pass }) => {
    const { order } = (await ask(SUBSCRIBE)) as { order: number }
    pass(20_000)
    const row = (await ask({ action: 'status', order: String(order) })) as Record<string, unknown>
    expect([row.status, row.posts, row.orders]).toEqual(['Active', 2, expected])
  }
}

/** The order ends like this, with exactly the undelivered part refunded. */
function endsAs(status: string): Check {
  return async ({ place, ask, pass, control }) => {
    const order = await place()
    pass(100_000)
    const row = (await ask({ action: 'status', order })) as Record<string, string>
    expect(row.status).toBe(status)
    const [listed] = await control.allOrders()
    const delivered = status === 'Canceled' ? 0 : 1_000 - Number(row.remains)
    const net = status === 'In progress' ? 38_000 : delivered * 38
    expect(Number(row.charge)).toBe(net / 1_000)
    expect(listed).toMatchObject({ charge: row.charge, charge_gross: '38.00', status })
    expect(Number((await control.summary()).balance)).toBe((25_000_000 - net) / 1_000)
    if (status === 'Partial') expect(delivered > 0 && delivered < 1_000).toBe(true)
  }
}

function cancelsAs(expected: (id: number) => unknown, orders: (id: string) => string = (id) => id): Check {
  return async ({ place, ask }) => {
    const id = await place()
    expect(await ask({ action: 'cancel', orders: orders(id) })).toEqual(expected(Number(id)))
  }
}

const refillsAs = (expected: unknown): Check => {
  return async ({ place, ask, pass }) => {
    const order = await place()
    pass(100_000)
    expect(await ask({ action: 'refill', order })).toEqual(expected)
  }
}

const HTML = 'text/html; charset=utf-8'
const JSON_TYPE = 'application/json'

const CHECKS: Record<FaultName, Check> = {
  delay: async (panel) => {
    await panel.control.setFaults({ delay: { probability: 1, ms: 60_000 } })
    expect(await answerTo(panel)).toBe('TimeoutError')
    expect((await panel.control.summary()).orders_accepted).toBe(1)
  },
  http_5xx: answersWith(503, '<html>', 0),
  http_5xx_refusal: answersWith(500, '{"error":"Not enough funds on balance"}', 0),
  http_4xx: answersWith(422, '{"error":"Incorrect request"}', 0),
  cut_before: answersAdd('TypeError', 0),
  hang: answersAdd('TimeoutError', 0),
  html: answersAdd({ status: 200, type: HTML, text: expect.stringContaining('<html>') }, 0),
  cloudflare: answersWith(403, 'Just a moment', 0),
  empty_body: answersAdd({ status: 200, type: HTML, text: '' }, 0),
  bad_json: answersAdd({ status: 200, type: JSON_TYPE, text: '{"order":' }, 0),
  redirect: async (panel) => {
    const response = await panel.send(ADD)
    expect([response.status, response.headers.get('location')]).toEqual([302, '/api/v2/'])
    await panel.control.setFaults({})
    expect(await (await fetch(`${panel.panel.url}/`)).json()).toEqual({ error: 'Invalid API key' })
    expect(await panel.control.summary()).toMatchObject({ orders_accepted: 0, requests: { redirect_followed: 1 } })
  },
  rate_limit: refusesAdd('Rate limit exceeded'),
  rate_limit_429: answersAdd({ status: 429, type: JSON_TYPE, text: '{"error":"Rate limit exceeded"}' }, 0),
  wrong_key: refusesAdd('Invalid API key'),
  key_quoted: refusesAdd('Invalid API key: test-key'),
  http_5xx_after: answersWith(500, '{"error":"Internal server error"}', 1),
  http_502_after: answersWith(502, '<html>', 1),
  cut_after: answersAdd('TypeError', 1),
  cut_middle: answersAdd('TypeError', 1),
  hang_after: answersAdd('TimeoutError', 1),
  html_after: answersWith(200, '<html>', 1),
  empty_body_after: answersAdd({ status: 200, type: HTML, text: '' }, 1),
  bad_json_after: answersWith(200, '<b>Warning</b>', 1),
  huge_body_after: async (panel) => {
    await panel.control.setFaults({ huge_body_after: { probability: 1, bytes: 2_000 } })
    await answersAdd({ status: 200, type: JSON_TYPE, text: `${' '.repeat(2_000)}{"order":100001}` }, 1)(panel)
  },
  order_missing_after: answersAdd({ status: 200, type: JSON_TYPE, text: '{"status":"success"}' }, 1),
  empty_balance: refusesAdd('Not enough funds on balance'),
  duplicate_link: refusesAdd('You have active order with this link. Please wait until order being completed.'),
  duplicate_check: async ({ place, pass }) => {
    await place()
    await expect(place()).rejects.toThrow('You have active order with this link.')
    await place({ link: `${LINK}/other` })
    pass(100_000)
    await place()
  },
  price_change: async ({ place, ask, control }) => {
    expect(await ask({ action: 'status', order: await place() })).toMatchObject({ charge: '47.50' })
    await control.setFaults({ price_change: { probability: 1, percent: -10 } })
    expect(await ask({ action: 'status', order: await place() })).toMatchObject({ charge: '34.20' })
  },
  never_ends: async (panel) => {
    await endsAs('In progress')(panel)
    panel.pass(1_000_000_000)
    expect((await panel.control.summary()).orders_by_status).toEqual({ 'In progress': 1 })
  },
  partial: endsAs('Partial'),
  cancel: endsAs('Canceled'),
  bom: async ({ send }) => {
    const bytes = new Uint8Array(await (await send(ADD)).arrayBuffer())
    expect(Buffer.from(bytes).toString('hex')).toMatch(/^efbbbf7b/)
  },
  wrong_content_type: async ({ send }) => expect((await send(ADD)).headers.get('content-type')).toBe(HTML),
  http_201: async ({ send }) => {
    expect((await send(ADD)).status).toBe(201)
    expect((await send({ ...ADD, service: '9' })).status).toBe(200)
  },
  errors_4xx: async ({ send }) => {
    expect((await send(ADD)).status).toBe(200)
    const refused = await send({ ...ADD, service: '9' })
    expect([refused.status, await refused.json()]).toEqual([400, { error: 'Incorrect service ID' }])
  },
  error_keys: async ({ ask }) => {
    expect(await ask({ ...ADD, service: '9' })).toEqual({ error: 'error.incorrect_service_id' })
    expect(await ask({ ...ADD, quantity: '1' })).toEqual({ error: 'neworder.error.min_quantity' })
  },
  order_string: shapesAdd({ order: '100001' }),
  order_id_field: shapesAdd({ order_id: 100_001 }),
  order_status_success: shapesAdd({ status: 'success', order: 100_001 }),
  order_extra_fields: shapesAdd({ order: 100_001, charge: '38.00', currency: 'USD', start_count: '0' }),
  order_text_id: async ({ ask, control }) => {
    const { order } = (await ask(ADD)) as { order: string }
    expect(order).toMatch(/^ord_[0-9a-z]{10}$/)
    await control.setFaults({})
    expect(await ask({ action: 'status', order })).toMatchObject({ status: 'Pending' })
  },
  numbers_plain: async (panel) => {
    await shapesStatus({ charge: 38, start_count: expect.any(Number), remains: 0 })(panel)
    expect(await panel.ask({ action: 'balance' })).toEqual({ balance: 24_962, currency: 'USD' })
    await firstService({ rate: 38, min: 50, max: 50_000 })(panel)
  },
  numbers_null: shapesStatus({ charge: null, start_count: null, remains: null, status: 'Completed' }),
  numbers_empty: shapesStatus({ charge: '', start_count: '', remains: '', status: 'Completed' }),
  numbers_unknown: shapesStatus({ charge: '38.00', start_count: 'Unknown', remains: 'Unknown' }),
  remains_negative: shapesStatus({ status: 'Completed', remains: expect.stringMatching(/^-\d+$/) }),
  start_counter: shapesStatus({ start_counter: expect.stringMatching(/^\d+$/) }),
  status_spelling: shapesStatus({ status: expect.stringMatching(/^(completed|COMPLETED)$/) }),
  status_unknown: shapesStatus({ status: 'Under review' }),
  row_bare_string: spoilsRow('Incorrect order ID'),
  row_error: spoilsRow(NOT_FOUND),
  row_missing: spoilsRow(undefined),
  row_garbage: spoilsRow([null]),
  batch_error: async ({ place, ask }) => {
    expect(await ask({ action: 'status', orders: await place() })).toEqual(NOT_FOUND)
  },
  batch_error_on_bad_id: async ({ place, ask }) => {
    const id = await place()
    expect(await ask({ action: 'status', orders: `${id},9` })).toEqual(NOT_FOUND)
    expect(await ask({ action: 'status', orders: id })).toMatchObject({ [id]: { status: 'Pending' } })
  },
  posts_beyond: async ({ ask, pass }) => {
    const { order } = (await ask({ ...SUBSCRIBE, posts: '1' })) as { order: number }
    pass(50_000)
    expect(await ask({ action: 'status', order: String(order) })).toMatchObject({ status: 'Active', posts: 5 })
  },
  posts_missing: listsPosts(undefined),
  posts_late: listsPosts([100_002]),
  posts_twice: listsPosts([100_002, 100_003, 100_002, 100_003]),
  posts_text: listsPosts('100002,100003'),
  posts_object: listsPosts({ '0': '100002', '1': '100003' }),
  posts_rows: listsPosts([
    { order: '100002', quantity: 20 },
    { order: '100003', quantity: 20 },
  ]),
  posts_strings: listsPosts(['100002', '100003']),
  posts_garbage: listsPosts(['100002', '100003', null]),
  booleans_numbers: firstService({ refill: 1, cancel: 1, dripfeed: 0 }),
  booleans_strings: firstService({ refill: '1', cancel: '1', dripfeed: '0' }),
  booleans_yes_no: firstService({ refill: 'yes', cancel: 'yes', dripfeed: 'no' }),
  booleans_absent: async ({ ask }) => {
    const [service] = (await ask({ action: 'services' })) as object[]
    expect(Object.keys(service ?? {})).toEqual([
      'service',
      'name',
      'type',
      'category',
      'rate',
      'min',
      'max',
      'description',
    ])
  },
  services_wrapped: shapesServices({ data: expect.arrayContaining([expect.objectContaining({ service: 101 })]) }),
  services_empty: shapesServices([]),
  services_empty_data: shapesServices({ status: 'success', data: 'Empty Data' }),
  services_string_ids: firstService({ service: '101' }),
  services_lowercase_types: firstService({ type: 'custom_comments' }),
  refill_number: refillsAs({ refill: 1 }),
  refill_success: refillsAs({ success: 'Refill request has been sent', refill: 1 }),
  refill_error_object: async ({ ask }) =>
    expect(await ask({ action: 'refill', order: '9' })).toEqual({ refill: NOT_FOUND }),
  refill_status_array: async (panel) => {
    await refillsAs({ refill: '1' })(panel)
    expect(await panel.ask({ action: 'refill_status', refill: '1' })).toEqual([{ refill: 1, status: 'Pending' }])
  },
  cancel_wrapped: cancelsAs((order) => ({ canceled: [{ order, cancel: 1 }] })),
  cancel_object: cancelsAs(() => ({ cancel: 123, status: 'Success' })),
  cancel_row_errors: cancelsAs(
    (order) => [
      { order, cancel: 1 },
      { order: 9, error: 'Incorrect order ID' },
    ],
    (id) => `${id},9`,
  ),
  cancel_refused: cancelsAs((order) => [{ order, cancel: { error: 'This order can not be canceled' } }]),
  cancel_ignored: async (panel) => {
    await cancelsAs((order) => [{ order, cancel: 1 }])(panel)
    expect((await panel.control.allOrders())[0]).toMatchObject({ status: 'Pending' })
  },
  refill_refused: refillsAs({ error: 'Refill is not available for this order' }),
  refill_rejected: async (panel) => {
    await refillsAs({ refill: '1' })(panel)
    panel.pass(100_000)
    expect(await panel.ask({ action: 'refill_status', refill: '1' })).toEqual({ status: 'Rejected' })
  },
  refill_status_unknown: async (panel) => {
    await refillsAs({ refill: '1' })(panel)
    expect(await panel.ask({ action: 'refill_status', refill: '1' })).toEqual({ status: 'Under review' })
  },
  balance_empty: async ({ ask }) =>
    expect(await ask({ action: 'balance' })).toEqual({ balance: '0.00', currency: 'USD' }),
}

describe('each fault does what it says, and is counted', () => {
  test.each(FAULT_NAMES)('%s', async (name) => {
    const panel = await startTestPanel()
    await panel.control.setFaults({ [name]: 1 })
    await CHECKS[name](panel)
    expect((await panel.control.summary()).faults_fired[name]).toBeGreaterThan(0)
  })
})

test('a fault stops at its limit and keeps to its actions', async () => {
  const { control, ask, place } = await startTestPanel()
  await control.setFaults({ wrong_key: { probability: 1, limit: 2, actions: ['balance'] } })
  await place()
  const answers = [await ask({ action: 'balance' }), await ask({ action: 'balance' }), await ask({ action: 'balance' })]
  expect(answers).toEqual([
    { error: 'Invalid API key' },
    { error: 'Invalid API key' },
    { balance: '24962.00', currency: 'USD' },
  ])
  expect((await control.summary()).faults_fired).toEqual({ wrong_key: 2 })
})

test('a fault that spoils several fields strikes once a request', async () => {
  const { control, ask, place } = await startTestPanel()
  const order = await place()
  await control.setFaults({ numbers_null: { probability: 1, limit: 1 } })
  expect(await ask({ action: 'status', order })).toMatchObject({ charge: null, start_count: null, remains: null })
  expect(await ask({ action: 'status', order })).toMatchObject({ charge: '38.00', remains: '1000' })
})

test('faults strike about as often as their probability says', async () => {
  const { control, ask } = await startTestPanel()
  await control.setFaults({ wrong_key: 0.1, services_empty: 0.3 })
  for (let round = 0; round < 500; round++) await ask({ action: 'balance' })
  const { faults_fired } = await control.summary()
  expect(faults_fired.wrong_key).toBeGreaterThan(25)
  expect(faults_fired.wrong_key).toBeLessThan(85)
  expect(faults_fired.services_empty).toBeUndefined()
})

test('an answer that comes after the customer has gone is noted on its order', async () => {
  const panel = await startTestPanel()
  await panel.control.setFaults({ delay: { probability: 1, ms: SILENCE_MS * 2 } })
  expect(await answerTo(panel)).toBe('TimeoutError')
  await expect
    .poll(async () => (await panel.control.allOrders())[0]?.answer, { timeout: 5_000, interval: 50 })
    .toBe('client_gone')
})
