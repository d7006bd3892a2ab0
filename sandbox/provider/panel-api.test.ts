import { describe, expect, test } from 'vitest'
import { CATALOGUE } from './catalogue.ts'
import { startTestPanel } from './test-panel.ts'

const LINK = 'https://example.org/text'
const add = { action: 'add', service: '101', link: LINK, quantity: '1000' }

describe('the panel API', () => {
  test('lists its services in the panels form', async () => {
    const { ask } = await startTestPanel()
    const services = (await ask({ action: 'services' })) as Record<string, unknown>[]
    expect(services).toHaveLength(CATALOGUE.length)
    expect(services[0]).toEqual({
      service: 101,
      name: 'Translation English → German, by the word',
      type: 'Default',
      category: 'Translation',
      rate: '38.00',
      min: '50',
      max: '50000',
      refill: true,
      cancel: true,
      dripfeed: false,
      description: 'Link to the text; quantity is words.',
    })
    expect(new Set(services.map(({ type }) => type))).toEqual(new Set(CATALOGUE.map(({ type }) => type)))
  })

  test('charges each type exactly and tells net charge and balance as strings', async () => {
    const { ask, place } = await startTestPanel({ balance: '100' })
    const words = await place({ service: '203', quantity: '101' })
    const text = await place({ service: '701', quantity: '' })
    const lines = await place({ service: '801', comments: 'one\r\n\n  \ntwo\nthree' })
    // 24.33333 × 101 / 1000 = 2.45766633, rounded up to the micro-unit.
    expect(await ask({ action: 'status', order: words })).toEqual({
      charge: '2.457667',
      start_count: '0',
      status: 'Pending',
      remains: '101',
      currency: 'USD',
    })
    expect(await ask({ action: 'status', order: text })).toMatchObject({ charge: '3.90', remains: '1' })
    expect(await ask({ action: 'status', order: lines })).toMatchObject({ charge: '0.36', remains: '3' })
    expect(await ask({ action: 'balance' })).toEqual({ balance: '93.282333', currency: 'USD' })
    const names = await place({ service: '1101', quantity: '', usernames: 'Ada\nGrace' })
    const set = await place({ service: '1001', quantity: '', comments: 'one\ntwo' })
    expect(await ask({ action: 'status', order: names })).toMatchObject({ charge: '1.96', remains: '2' })
    expect(await ask({ action: 'status', order: set })).toMatchObject({ charge: '14.50', remains: '1' })
  })

  test.each([
    [{ service: '999' }, 'Incorrect service ID'],
    [{ service: '1e2' }, 'Incorrect service ID'],
    [{ link: '' }, 'Bad link'],
    [{ link: 'javascript:alert(1)' }, 'Bad link'],
    [{ link: `https://x.org/${'a'.repeat(2_000)}` }, 'Bad link'],
    [{ quantity: '-5' }, 'Incorrect quantity'],
    [{ quantity: '1.5' }, 'Incorrect quantity'],
    [{ quantity: 'NaN' }, 'Incorrect quantity'],
    [{ quantity: '49' }, 'Quantity less than minimal 50'],
    [{ quantity: '50001' }, 'Quantity more than maximum 50000'],
    [{ service: '801', comments: ' \r\n ' }, 'Incorrect comments'],
    [{ service: '803', comments: 'a\nb' }, 'Quantity less than minimal 5'],
    [{ service: '901' }, 'Incorrect keywords'],
    [{ service: '1101', usernames: '\n' }, 'Incorrect usernames'],
    [{ service: '1201', comments: 'Dear Ada' }, 'Incorrect username'],
    [{ service: '1301', quantity: '5', answer_number: '0' }, 'Incorrect answer number'],
    [{ service: '1501', country: 'BD', device: '6', type_of_traffic: '3' }, 'Incorrect device'],
    [{ service: '1501', country: 'BD', device: '5', type_of_traffic: '1' }, 'Incorrect google keyword'],
    [
      { service: '1501', country: 'BD', device: '5', type_of_traffic: '2', referring_url: 'x' },
      'Incorrect referring url',
    ],
    [{ runs: '2', interval: '10' }, 'Incorrect runs'],
    [{ service: '501', quantity: '5', runs: '2' }, 'Incorrect interval'],
    [{ service: '501', quantity: '5', interval: '10' }, 'Incorrect runs'],
    [{ service: '703', link: `${LINK}/audit`, key: 'wrong' }, 'Invalid API key'],
    [{ action: 'destroy' }, 'Incorrect request'],
    [{ quantity: '30000' }, 'Not enough funds on balance'],
  ])('refuses %j with "%s" and charges nothing', async (fields: Record<string, string>, error) => {
    const { ask, send, control } = await startTestPanel({ balance: '1000' })
    const response = await send({ ...add, ...fields })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ error })
    expect(await ask({ action: 'balance' })).toEqual({ balance: '1000.00', currency: 'USD' })
    expect((await control.summary()).orders_accepted).toBe(0)
  })

  test('charges all runs of a drip-feed at once', async () => {
    const { place, ask } = await startTestPanel()
    const id = await place({ service: '501', quantity: '10', runs: '3', interval: '15' })
    expect(await ask({ action: 'status', order: id })).toMatchObject({ charge: '9.30', remains: '30' })
  })

  test('moves an order from Pending to Completed with time', async () => {
    const { place, ask, pass } = await startTestPanel()
    const id = await place()
    const seen: { status: string; remains: string }[] = []
    for (let step = 0; step <= 10; step++) {
      seen.push((await ask({ action: 'status', order: id })) as { status: string; remains: string })
      pass(10_000)
    }
    expect(new Set(seen.map(({ status }) => status))).toEqual(
      new Set(['Pending', 'Processing', 'In progress', 'Completed']),
    )
    const remains = seen.map((row) => Number(row.remains))
    expect(remains).toEqual(remains.toSorted((a, b) => b - a))
    expect(seen.at(-1)).toMatchObject({ charge: '38.00', status: 'Completed', remains: '0' })
    expect(new Set(remains).size).toBeGreaterThan(5)
  })

  test('answers many statuses by id, bad ids under their own spelling', async () => {
    const { place, ask } = await startTestPanel()
    const id = await place()
    expect(await ask({ action: 'status', orders: ` ${id} ,, abc,${id},__proto__` })).toEqual(
      JSON.parse(
        `{"${id}":{"charge":"38.00","start_count":"0","status":"Pending","remains":"1000","currency":"USD"},
          "abc":{"error":"Incorrect order ID"},"__proto__":{"error":"Incorrect order ID"}}`,
      ),
    )
    const hundred = Array.from({ length: 100 }, (_, index) => String(index + 1))
    expect(Object.keys((await ask({ action: 'status', orders: hundred.join() })) as object)).toHaveLength(100)
    expect(await ask({ action: 'status', orders: [...hundred, '101'].join() })).toEqual({
      error: 'Too many IDs, maximum 100',
    })
    expect(await ask({ action: 'status', order: '1' })).toEqual({ error: 'Incorrect order ID' })
  })

  test('cancels what is open: untouched Canceled, under way Partial, both refunded exactly', async () => {
    const { place, ask, pass } = await startTestPanel({ balance: '1000' })
    const under_way = await place()
    pass(50_000)
    const untouched = await place()
    const printing = await place({ service: '601' })
    expect(await ask({ action: 'cancel', orders: `${under_way},${untouched},${printing},9` })).toEqual([
      { order: Number(under_way), cancel: 1 },
      { order: Number(untouched), cancel: 1 },
      { order: Number(printing), cancel: { error: 'This order can not be canceled' } },
      { order: 9, cancel: { error: 'Incorrect order ID' } },
    ])
    const partial = (await ask({ action: 'status', order: under_way })) as Record<string, string>
    expect(partial).toMatchObject({ status: 'Partial', remains: '667', charge: '12.654' })
    expect(await ask({ action: 'status', order: untouched })).toMatchObject({ status: 'Canceled', charge: '0.00' })
    expect(await ask({ action: 'balance' })).toMatchObject({ balance: '958.946' })
    expect(await ask({ action: 'cancel', order: untouched })).toEqual([
      { order: Number(untouched), cancel: { error: 'This order can not be canceled' } },
    ])
  })

  test('refills a finished order, one refill at a time', async () => {
    const { place, ask, pass } = await startTestPanel()
    const id = await place()
    expect(await ask({ action: 'refill', order: id })).toEqual({ error: 'Refill is not available for this order' })
    pass(100_000)
    expect(await ask({ action: 'refill', order: id })).toEqual({ refill: '1' })
    expect(await ask({ action: 'refill', orders: `${id},9` })).toEqual([
      { order: Number(id), refill: { error: 'Refill is already in progress' } },
      { order: 9, refill: { error: 'Incorrect order ID' } },
    ])
    expect(await ask({ action: 'refill_status', refill: '1' })).toEqual({ status: 'Pending' })
    pass(50_000)
    expect(await ask({ action: 'refill_status', refills: '1,01' })).toEqual([
      { refill: 1, status: 'In progress' },
      { refill: 1, status: { error: 'Incorrect refill ID' } },
    ])
    pass(50_000)
    expect(await ask({ action: 'refill_status', refill: '1' })).toEqual({ status: 'Completed' })
    expect(await ask({ action: 'refill', orders: id })).toEqual([{ order: Number(id), refill: 2 }])
  })

  test('takes JSON and GET as well as forms', async () => {
    const { panel } = await startTestPanel()
    const json = await fetch(panel.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...add, key: panel.key, service: 101, quantity: 1_000 }),
    })
    expect(await json.json()).toEqual({ order: 100_001 })
    const get = await fetch(`${panel.url}?${new URLSearchParams({ key: panel.key, action: 'balance' })}`)
    expect(await get.json()).toEqual({ balance: '24962.00', currency: 'USD' })
  })

  test('answers unreadable and oversized bodies without harm', async () => {
    const { panel, control } = await startTestPanel()
    const post = (body: string, type: string) =>
      fetch(panel.url, { method: 'POST', body, headers: { 'content-type': type } })
    for (const body of ['{"key":', '[1]', 'null', '[['.repeat(5_000)]) {
      expect(await (await post(body, 'application/json')).json()).toEqual({ error: 'Invalid API key' })
    }
    expect((await post(`key=${panel.key}&%ZZ=%`, 'application/x-www-form-urlencoded')).status).toBe(200)
    expect((await post('x'.repeat(1_048_577), 'text/plain')).status).toBe(413)
    expect((await fetch(`${new URL(panel.url).origin}/elsewhere`)).status).toBe(404)
    expect((await control.summary()).orders_accepted).toBe(0)
  })

  test('makes the same choices from the same seed', async () => {
    const run = async (seed: number) => {
      const { control, place, pass } = await startTestPanel({ seed })
      await control.setFaults({ partial: 0.5, cancel: 0.5, never_ends: 0.2 })
      for (let index = 0; index < 20; index++) await place({ link: `${LINK}/${index}` })
      pass(100_000)
      return (await control.allOrders()).map(({ status, remains }) => `${status} ${remains}`)
    }
    expect(await run(7)).toEqual(await run(7))
    expect(await run(7)).not.toEqual(await run(8))
  })
})
