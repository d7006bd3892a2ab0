import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { controlOf } from './client.ts'
import { ACTIONS, FAULT_NAMES, FAULTS } from './faults.ts'
import { startTestPanel } from './test-panel.ts'

describe('the control door', () => {
  test('lists the accepted orders in order of acceptance, page by page, without the key', async () => {
    const { control, place, ask } = await startTestPanel()
    const ids: string[] = []
    for (let index = 0; index < 5; index++) ids.push(await place({ link: `https://example.org/${index}` }))
    await ask({ action: 'status', orders: ids.join() })
    const first = await control.orders({ limit: 2 })
    expect(first).toMatchObject({ next: ids[1], total: 5 })
    expect(first.orders[0]).toEqual({
      number: 1,
      id: '100001',
      service: 101,
      type: 'Default',
      link: 'https://example.org/0',
      quantity: 1000,
      charge_gross: '38.00',
      charge: '38.00',
      status: 'Pending',
      start_count: 0,
      remains: 1000,
      created: '2026-01-01T00:00:00.000Z',
      polls: 1,
      answer: 'sent',
      fields: { action: 'add', service: '101', link: 'https://example.org/0', quantity: '1000' },
      parent: null,
    })
    const last = await control.orders({ after: ids[1] ?? '', limit: 3 })
    expect(last.next).toBeNull()
    expect(last.orders.map(({ id }) => id)).toEqual(ids.slice(2))
    expect((await control.allOrders()).map(({ id }) => id)).toEqual(ids)
    expect((await control.orders({ after: '0' })).orders).toHaveLength(5)
  })

  test('finds a link that was ordered twice', async () => {
    const { control, place } = await startTestPanel()
    const twice = [await place(), await place()]
    await place({ link: 'https://example.org/once' })
    expect(await control.summary()).toMatchObject({
      requests: { add: 3 },
      orders_accepted: 3,
      orders_by_status: { Pending: 3 },
      charged_gross: '114.00',
      charged_net: '114.00',
      balance: '24886.00',
      distinct_links: 2,
      links_ordered_more_than_once: 1,
      repeated_links: [{ link: 'https://example.org/text', count: 2, orders: twice }],
    })
  })

  test('sets and adds to the balance, never below zero', async () => {
    const { control, place } = await startTestPanel({ balance: '40' })
    await place()
    expect(await control.setBalance('10.5')).toMatchObject({ balance: '10.50', balance_added: '8.50' })
    expect(await control.addBalance('-10.5')).toMatchObject({ balance: '0.00', balance_added: '-2.00' })
    await expect(control.addBalance('-0.000001')).rejects.toThrow('400 add: the balance would fall below zero')
    await expect(place()).rejects.toThrow('Not enough funds on balance')
  })

  test('finishes an order as told, also after it has ended, and moves the money', async () => {
    const { control, place } = await startTestPanel({ balance: '38' })
    const id = await place()
    const end = async (status: 'Completed' | 'Partial' | 'Canceled', remains?: number) => {
      const row = await control.finish(id, { status, start_count: 7, ...(remains === undefined ? {} : { remains }) })
      return [row.status, row.remains, row.start_count, row.charge, (await control.summary()).balance]
    }
    expect(await end('Partial', 250)).toEqual(['Partial', 250, 7, '28.50', '9.50'])
    expect(await end('Canceled')).toEqual(['Canceled', 1000, 7, '0.00', '38.00'])
    expect(await end('Completed')).toEqual(['Completed', 0, 7, '38.00', '0.00'])
    expect(await end('Canceled')).toEqual(['Canceled', 1000, 7, '0.00', '38.00'])
    await control.setBalance('0')
    await expect(end('Completed')).rejects.toThrow('409 status: the balance does not suffice')
    expect((await control.allOrders())[0]).toMatchObject({ status: 'Canceled', charge: '0.00' })
  })

  test('changes the pace of open orders without moving them back', async () => {
    const { control, place, ask, pass } = await startTestPanel()
    const order = await place()
    pass(50_000)
    const before = (await ask({ action: 'status', order })) as { remains: string }
    await control.pace({ complete_ms_min: 1_000_000, complete_ms_max: 1_000_000 })
    expect(await ask({ action: 'status', order })).toEqual(before)
    pass(499_000)
    expect(await ask({ action: 'status', order })).toMatchObject({ status: 'In progress' })
    pass(1_000)
    expect(await ask({ action: 'status', order })).toMatchObject({ status: 'Completed' })
    await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
    expect(await ask({ action: 'status', order: await place() })).toMatchObject({ status: 'Completed' })
  })

  test('ends partial orders at once when the pace becomes immediate', async () => {
    const { control, place } = await startTestPanel()
    await control.setFaults({ partial: 1 })
    await place()
    await control.pace({ complete_ms_min: 0, complete_ms_max: 0 })
    const { orders_by_status, charged_net } = await control.summary()
    expect(orders_by_status).toEqual({ Partial: 1 })
    expect(Number(charged_net)).toBeLessThan(38)
  })

  test('changes a service for later orders only', async () => {
    const { control, place, ask } = await startTestPanel()
    const old = await place()
    expect(await control.changeService(101, { rate: '50', min: 10 })).toMatchObject({ rate: '50.00', min: 10 })
    const dear = await place()
    expect(await ask({ action: 'status', orders: `${old},${dear}` })).toMatchObject({
      [old]: { charge: '38.00' },
      [dear]: { charge: '50.00' },
    })
    await control.changeService(101, { disabled: true })
    await expect(place()).rejects.toThrow('Incorrect service ID')
    expect((await ask({ action: 'services' })) as unknown[]).toHaveLength((await control.services()).length - 1)
  })

  test('enters many orders at once, charged like any other', async () => {
    const { control } = await startTestPanel()
    const order = { service: '102', quantity: '100' }
    const list = Array.from({ length: 500 }, (_, index) => ({ ...order, link: `https://example.org/${index}` }))
    expect((await control.enterOrders(list)).ids).toHaveLength(500)
    expect(await control.summary()).toMatchObject({ orders_accepted: 500, charged_net: '1075.00', requests: {} })
    await expect(control.enterOrders([{ ...order, link: 'x' }])).rejects.toThrow('400 orders.0: Bad link')
  })

  test('forgets everything at a reset but the ids it gave out', async () => {
    const { control, place } = await startTestPanel()
    const id = await place()
    await control.setFaults({ html: 1 })
    await control.changeService(101, { rate: '1' })
    expect(await control.reset()).toMatchObject({ orders_accepted: 0, balance: '25000.00', requests: {} })
    expect(await control.faults()).toEqual({})
    expect(Number(await place())).toBe(Number(id) + 1)
    expect((await control.summary()).charged_net).toBe('38.00')
  })

  test('wants its token when it has one', async () => {
    const { control, panel } = await startTestPanel({ control_token: 'door' })
    expect(await control.summary()).toMatchObject({ orders_accepted: 0 })
    await expect(controlOf(panel.control_url).summary()).rejects.toThrow('401 authorization')
    await expect(controlOf(panel.control_url, 'other').reset()).rejects.toThrow('401 authorization')
  })

  test.each([
    ['PUT', '/balance', '{"balance":12}', 400, 'balance: '],
    ['PUT', '/balance', '{"balance":"-1"}', 400, 'balance: '],
    ['PUT', '/balance', '{"balance":"NaN"}', 400, 'balance: expected a decimal'],
    ['PUT', '/balance', '{"add":"1e9"}', 400, 'add: expected a decimal'],
    ['PUT', '/balance', '{"balance":"1","add":"1"}', 400, 'balance: '],
    ['PUT', '/balance', '{"sum":"1"}', 400, 'sum: '],
    ['PUT', '/balance', '[]', 400, 'body: '],
    ['PUT', '/balance', '{', 400, 'body: not JSON'],
    ['PUT', '/faults', '{"htlm":1}', 400, 'htlm: unknown fault'],
    ['PUT', '/faults', '{"html":1.1}', 400, 'html.probability: '],
    ['PUT', '/faults', '{"html":{"probability":-1}}', 400, 'html.probability: '],
    ['PUT', '/faults', '{"html":{"limit":1}}', 400, 'html.probability: '],
    ['PUT', '/faults', '{"html":{"probability":1,"limit":0}}', 400, 'html.limit: '],
    ['PUT', '/faults', '{"html":{"probability":1,"ms":5}}', 400, 'html.ms: '],
    ['PUT', '/faults', '{"delay":{"probability":1,"ms":1e9}}', 400, 'delay.ms: '],
    ['PUT', '/faults', '{"partial":{"probability":1,"actions":["balance"]}}', 400, 'partial.actions: '],
    ['PUT', '/faults', '{"html":{"probability":1,"action":["add"]}}', 400, 'html.action: '],
    ['PUT', '/faults', 'null', 400, 'body: '],
    ['POST', '/pace', '{"complete_ms_min":5,"complete_ms_max":1}', 400, 'complete_ms_max: '],
    ['POST', '/pace', '{"complete_ms_min":-5,"complete_ms_max":1}', 400, 'complete_ms_min: '],
    ['POST', '/orders/100001/finish', '{"status":"Done"}', 400, 'status: '],
    ['POST', '/orders/100001/finish', '{"status":"Partial"}', 400, 'remains: '],
    ['POST', '/orders/100001/finish', '{"status":"Partial","remains":1001}', 400, 'remains: '],
    ['POST', '/orders/100001/finish', '{"status":"Partial","remains":-1}', 400, 'remains: '],
    ['POST', '/orders/7/finish', '{"status":"Completed"}', 404, 'id: '],
    ['PUT', '/services/101', '{"min":60000}', 400, 'min: '],
    ['PUT', '/services/101', '{"max":10}', 400, 'max: '],
    ['PUT', '/services/101', '{"rate":1}', 400, 'rate: '],
    ['PUT', '/services/1', '{"rate":"1"}', 404, 'id: '],
    ['POST', '/orders', '{"orders":[]}', 400, 'orders: '],
    ['GET', '/orders?limit=0', undefined, 400, 'limit: '],
    ['GET', '/orders?limit=x', undefined, 400, 'limit: '],
    ['GET', '/orders?after=nope', undefined, 400, 'after: '],
    ['GET', '/orders?page=2', undefined, 400, 'page: '],
    ['DELETE', '/orders', undefined, 405, 'method: expected GET or POST'],
    ['GET', '/nothing', undefined, 404, 'path: '],
    ['PUT', '/balance', ' '.repeat(4_194_305), 413, 'body: '],
  ])('refuses %s %s %s with %i and names the field', async (method, path, body, status, message) => {
    const { panel, control, place } = await startTestPanel()
    await place()
    const before = await control.summary()
    const response = await fetch(`${panel.control_url}${path}`, { method, body: body ?? null })
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(new RegExp(`^${message}`)) })
    expect(await control.summary()).toEqual(before)
    expect(await control.faults()).toEqual({})
  })
})

test('the README describes every fault, with its actions and parameter, and no other', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const [, section = ''] = /^### Faults$(.*?)^##? /ms.exec(readme) ?? []
  const described = section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replace(/ +/g, ' '))
  const known = FAULT_NAMES.map((name) => {
    const { does, actions, parameter } = FAULTS[name]
    const scope = actions.length === ACTIONS.length ? 'all' : actions.join(', ')
    return `| \`${name}\` | ${does} | ${scope} |${parameter ? ` \`${parameter[0]}\` ${parameter[1]}` : ''} |`
  })
  expect(described).toEqual(known)
})
