import { request as httpRequest } from 'node:http'
import { expect, test } from 'vitest'
import { staffNetworks } from '#server/domains/identity/areas/staff-networks.ts'
import { present } from '#server/kit/invariant.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'
import { putSetting } from '#test/support/settings.ts'

type Fields = Record<string, string>

/** Posts a form and answers the status and the text. */
async function post(doors: Doors, fields: Fields, headers: Fields = {}): Promise<[number, string]> {
  const response = await fetch(`${doors.url}/api/v2`, {
    method: 'POST',
    redirect: 'error',
    headers,
    body: new URLSearchParams(fields),
  })
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  return [response.status, await response.text()]
}

const error = (text: string) => [200, JSON.stringify({ error: text })]

test('a key of staff is none from outside their networks, while those of customers are', async () => {
  const doors = await openDoors()
  const [staff, other] = [await doors.customer('1'), await doors.customer('1')]
  await doors.shop.app.db.query(`update identity.user set role = 'administrator' where id = $1`, [staff.id])
  const balance = (key: string) => post(doors, { key, action: 'balance' })
  expect(await balance(staff.key)).not.toEqual(error('Invalid API key'))
  await putSetting(doors.shop.app.db, staffNetworks, ['192.0.2.0/24'])
  await expect.poll(() => balance(staff.key), { timeout: 10_000 }).toEqual(error('Invalid API key'))
  expect((await balance(other.key))[1]).toContain('1.00')
  await putSetting(doors.shop.app.db, staffNetworks, ['127.0.0.1'])
  await expect.poll(() => balance(staff.key), { timeout: 10_000 }).not.toEqual(error('Invalid API key'))
})

test('each refusal has the text that clients know, with status 200, and moves nothing', async () => {
  const doors = await openDoors()
  const { shop } = doors
  const { id, key } = await doors.customer('1')
  const sold = present(
    shop.services.find((service) => service.type === 'Default' && service.min > 1n && !service.dripfeed),
    'a service with a minimum',
  )
  const add = {
    key,
    action: 'add',
    service: String(sold.id),
    link: 'https://example.com/a',
    quantity: String(sold.min),
  }
  const comments = { ...add, service: String(shop.service('Custom Comments').id) }
  const cases: [Fields, string][] = [
    [{}, 'Invalid API key'],
    [{ action: 'services' }, 'Invalid API key'],
    [{ ...add, key: 'wrong' }, 'Invalid API key'],
    [{ ...add, key: `sk_${'A'.repeat(43)}` }, 'Invalid API key'],
    [{ 'key[]': key, action: 'balance' }, 'Invalid API key'],
    [{ key }, 'Incorrect request'],
    [{ key, action: 'toString' }, 'Incorrect request'],
    [{ key, action: '__proto__' }, 'Incorrect request'],
    [{ ...add, 'link[]': 'https://example.com/b' }, 'Incorrect request'],
    [{ ...add, service: '999999' }, 'Incorrect service ID'],
    [{ ...add, service: 'abc' }, 'Incorrect service ID'],
    [{ ...add, service: '-1' }, 'Incorrect service ID'],
    [{ ...add, service: '9'.repeat(40) }, 'Incorrect service ID'],
    [{ ...add, link: '' }, 'Bad link'],
    [{ ...add, link: 'javascript:alert(1)' }, 'Bad link'],
    [{ ...add, link: `https://example.com/${'a'.repeat(3_000)}` }, 'Bad link'],
    [{ ...add, quantity: '' }, 'Incorrect quantity'],
    [{ ...add, quantity: '-5' }, 'Incorrect quantity'],
    [{ ...add, quantity: 'NaN' }, 'Incorrect quantity'],
    [{ ...add, quantity: '1e3' }, 'Incorrect quantity'],
    [{ ...add, quantity: '9'.repeat(30) }, 'Incorrect quantity'],
    [{ ...add, quantity: '1' }, `Quantity less than minimal ${sold.min}`],
    [{ ...add, quantity: '999999999' }, `Quantity more than maximum ${sold.max}`],
    [comments, 'Incorrect comments'],
    [{ ...comments, comments: ' \r\n\n' }, 'Incorrect comments'],
    [{ ...add, runs: '3', interval: '5' }, 'Drip-feed is not available for this service'],
    [{ ...add, request_id: '' }, 'Incorrect request ID'],
    [{ ...add, request_id: 'x'.repeat(129) }, 'Incorrect request ID'],
    [{ ...add, quantity: String(sold.max) }, 'Not enough funds on balance'],
    [{ key, action: 'status' }, 'Incorrect order ID'],
    [{ key, action: 'status', orders: ' , ' }, 'Incorrect order ID'],
    [{ key, action: 'refill', order: '1' }, 'Incorrect order ID'],
    [{ key, action: 'cancel', orders: '' }, 'Incorrect order ID'],
    [{ key, action: 'refill_status', refill: '1' }, 'Incorrect refill ID'],
  ]
  for (const [fields, text] of cases) {
    expect([fields, await post(doors, fields)]).toEqual([fields, error(text)])
  }
  expect(await shop.wallet(id)).toEqual({ posted: 1_000_000n, held: 0n })
})

test('a text of many orders is answered line by line; under a key each line makes one order, however often and at once', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('20')
  const service = doors.shop.service('Package').id
  const orders = `${service}|https://example.com/a\r\n\r\n${service}|x\r\n${service}|https://example.com/b\r\n1|2|3|4`
  const mass = { key, action: 'mass', orders, request_id: 'm' }
  const burst = await Promise.all(Array.from({ length: 5 }, () => post(doors, mass)))
  expect(new Set(burst.map(([, text]) => text)).size).toBe(1)
  expect(JSON.parse(burst[0]?.[1] ?? '')).toEqual([
    { line: 1, order: expect.any(Number) },
    { line: 3, error: 'Bad link' },
    { line: 4, order: expect.any(Number) },
    { line: 5, error: 'Incorrect line' },
  ])
  expect((await doors.shop.wallet(id)).held).toBe(10_140_000n)
  expect(await post(doors, { ...mass, orders: ' \n' })).toEqual(error('Incorrect request'))
  expect(await post(doors, { ...mass, orders: '1|a|1\n'.repeat(101) })).toEqual(
    error('No more than 100 orders at once'),
  )
  expect(await post(doors, mass, { 'idempotency-key': 'other' })).toEqual(error('Incorrect request'))
})

test('a key is taken from the body or a header, and from the URL only where its owner allows it', async () => {
  const doors = await openDoors()
  const plain = await doors.customer('5')
  const legacy = await doors.customer('6', { legacy_get: true })
  const reading = await doors.customer('7', { scopes: ['read'] })
  const elsewhere = await doors.customer('8', { allowed_ips: ['192.0.2.0/24'] })
  const balance = (usd: string) => [200, `{"balance":"${usd}","currency":"USD"}`]
  const get = async (query: Fields) => {
    const response = await fetch(`${doors.url}/api/v2?${new URLSearchParams(query)}`, { redirect: 'error' })
    return [response.status, await response.text()]
  }

  expect(await post(doors, { action: 'balance' }, { 'x-api-key': plain.key })).toEqual(balance('5.00'))
  expect(await post(doors, { action: 'balance' }, { authorization: `ApiKey ${plain.key}` })).toEqual(balance('5.00'))
  // A proxy's own sign-in does not stand in the way of the field.
  expect(await post(doors, { action: 'balance', key: plain.key }, { authorization: 'Basic eDp5' })).toEqual(
    balance('5.00'),
  )
  expect(await get({ action: 'balance', key: legacy.key })).toEqual(balance('6.00'))
  expect(await get({ action: 'balance', key: plain.key })).toEqual(error('Invalid API key'))
  const in_url = async (key: string) =>
    (
      await fetch(`${doors.url}/api/v2?key=${key}`, {
        method: 'POST',
        body: new URLSearchParams({ action: 'balance' }),
      })
    ).text()
  expect(await in_url(legacy.key)).toBe('{"balance":"6.00","currency":"USD"}')
  expect(await in_url(plain.key)).toBe('{"error":"Invalid API key"}')
  expect(await post(doors, { action: 'balance', key: reading.key })).toEqual(balance('7.00'))
  expect(await post(doors, { action: 'add', key: reading.key })).toEqual(
    error('This API key does not allow this action'),
  )
  expect(await post(doors, { action: 'balance', key: elsewhere.key })).toEqual(error('Invalid API key'))
})

test('the address has one form: no redirect, no HEAD, and other methods are answered in the form', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer('5', { legacy_get: true })
  const slash = await fetch(`${doors.url}/api/v2/`, {
    method: 'POST',
    redirect: 'error',
    body: new URLSearchParams({ key, action: 'balance' }),
  })
  expect(await slash.text()).toBe('{"balance":"5.00","currency":"USD"}')
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const response = await fetch(`${doors.url}/api/v2`, { method, body: new URLSearchParams({ key }) })
    expect([method, response.status, await response.text()]).toEqual([method, 200, '{"error":"Incorrect request"}'])
  }
  const service = String(doors.shop.service('Package').id)
  const query = new URLSearchParams({ key, action: 'add', service, link: 'https://example.com/a' })
  const head = await fetch(`${doors.url}/api/v2?${query}`, { method: 'HEAD' })
  expect(head.status).toBe(405)
  expect(await doors.shop.app.db.query('select id from orders.orders')).toEqual([])
})

test('a list of ids is trimmed, collapsed and never cut, and shows no one else’s order', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const other = await doors.customer()
  const add = { action: 'add', service: String(doors.shop.service('Package').id), link: 'https://example.com/a' }
  const place = async (of: string) => JSON.parse((await post(doors, { ...add, key: of }))[1]).order as number
  const [mine, theirs] = [await place(key), await place(other.key)]
  const ask = async (orders: string) => JSON.parse((await post(doors, { key, action: 'status', orders }))[1])

  const answer = await ask(` ${mine}, ${mine},,${theirs}, 0${mine},+${mine},1.0,__proto__,"x" ,99999999999999999999`)
  const none = { error: 'Incorrect order ID' }
  expect(Object.keys(answer)).toHaveLength(8)
  expect(answer[mine]).toMatchObject({ status: 'Pending' })
  for (const id of [String(theirs), `0${mine}`, `+${mine}`, '1.0', '"x"', '99999999999999999999']) {
    expect([id, answer[id]]).toEqual([id, none])
  }
  expect(Object.getOwnPropertyDescriptor(answer, '__proto__')?.value).toEqual(none)
  expect(await post(doors, { key, action: 'status', order: String(theirs) })).toEqual(error('Incorrect order ID'))

  const hundred = Array.from({ length: 100 }, (_, i) => i + 1_000)
  expect(Object.keys(await ask([...hundred, 1_000, ' 1001 '].join()))).toHaveLength(100)
  expect(await ask([...hundred, 5].join())).toEqual({ error: 'No more than 100 IDs at once' })
  // Other spellings of a list.
  const listed = await fetch(`${doors.url}/api/v2`, {
    method: 'POST',
    body: `key=${key}&action=orders&orders%5B%5D=${mine}&orders%5B1%5D=${theirs}`,
  })
  expect(Object.keys((await listed.json()) as object)).toEqual([String(mine), String(theirs)])
  const json = await fetch(`${doors.url}/api/v2`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key, action: 'multi_status', orders: [mine, String(theirs)] }),
  })
  expect(Object.keys((await json.json()) as object)).toEqual([String(mine), String(theirs)])
  for (const action of ['orders', 'multi_status', 'multi-status', 'statuses']) {
    expect(JSON.parse((await post(doors, { key, action, order_id: String(mine) }))[1])).toMatchObject({ remains: '1' })
  }
})

test('charge is net and the status is the customer’s view of it', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer()
  const service = String(doors.shop.service('Package').id)
  const [, placed] = await post(doors, { key, action: 'add', service, link: 'https://example.com/a' })
  const order = String(JSON.parse(placed).order)
  const ask = async () => JSON.parse((await post(doors, { key, action: 'status', order }))[1])
  const { charge } = await ask()
  const set = (change: string) => doors.shop.app.db.query(`update orders.orders set ${change} where id = ${order}`)

  await set(`state = 'failed', reason = 'provider_failed'`)
  expect(await ask()).toMatchObject({ status: 'Pending', charge })
  await set(`state = 'cancelled', released = charge, finished_at = now(), reason = null`)
  expect(await ask()).toMatchObject({ status: 'Canceled', charge: '0.00' })
  await set(`state = 'completed', released = 0, captured = charge, start_count = 17`)
  expect(await ask()).toEqual({ status: 'Completed', charge, start_count: '17', remains: '0', currency: 'USD' })
})

test('a request under one key makes one order, by field or header, at once or later', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('20')
  const other = await doors.customer()
  const service = String(doors.shop.service('Package').id)
  const add = { key, action: 'add', service, link: 'https://example.com/a' }
  const burst = await Promise.all(Array.from({ length: 20 }, () => post(doors, { ...add, request_id: 'k1' })))
  expect(new Set(burst.map(([, text]) => text))).toEqual(new Set([burst[0]?.[1]]))
  expect(await post(doors, add, { 'idempotency-key': 'k1' })).toEqual(burst[0])
  expect(await post(doors, add, { 'idempotency-key': '"k1"' })).toEqual(burst[0])
  expect((await post(doors, { ...add, key: other.key, request_id: 'k1' }))[1]).not.toBe(burst[0]?.[1])
  expect(await post(doors, { ...add, request_id: 'k1', link: 'https://example.com/b' })).toEqual(
    error('This request ID was used for another order'),
  )
  expect(await post(doors, { ...add, request_id: 'k1' }, { 'idempotency-key': 'k2' })).toEqual(
    error('Incorrect request'),
  )
  for (const bad of ['', 'k'.repeat(129), 'k'.repeat(256)]) {
    expect(await post(doors, add, { 'idempotency-key': bad })).toEqual(error('Incorrect request ID'))
  }
  const again = await fetch(`${doors.url}/api/v2`, {
    method: 'POST',
    body: new URLSearchParams({ ...add, request_id: 'k1' }),
  })
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  const orders = await doors.shop.app.db.query<{ charge: bigint }>(
    'select charge from orders.orders where customer_id = $1',
    [id],
  )
  expect(orders).toHaveLength(1)
  expect((await doors.shop.wallet(id)).held).toBe(orders[0]?.charge)
})

test('what is no readable request is answered in the form, whatever its type', async () => {
  const doors = await openDoors()
  const { id, key } = await doors.customer('20')
  const send = async (content_type: string | undefined, body: string | Buffer): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const headers: Fields = content_type === undefined ? {} : { 'content-type': content_type }
      const request = httpRequest(`${doors.url}/api/v2`, { method: 'POST', headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => resolve([response.statusCode ?? 0, text]))
      })
      request.on('error', reject)
      request.end(body)
    })
  const balance = [200, '{"balance":"20.00","currency":"USD"}']
  const form = `key=${key}&action=balance`
  expect(await send(undefined, form)).toEqual(balance)
  expect(await send('text/plain', form)).toEqual(balance)
  expect(await send('application/x-www-form-urlencoded', JSON.stringify({ key, action: 'balance' }))).toEqual(balance)
  const malformed = error('Incorrect request')
  const nested = `{"key":"${key}","action":"balance","x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
  const bodies: [string, string | Buffer][] = [
    ['nonsense', form],
    ['application/json', '{'],
    ['application/json', ''],
    ['application/json', '[1,2]'],
    ['application/json', 'null'],
    ['application/json', nested],
    ['application/json', `{"key":"${key}","action":"balance","link":"\\u0000"}`],
    ['application/json', `{"key":"${key}","action":"balance","link":{"a":1}}`],
    ['application/json', `{"key":"${key}","action":"balance","link":["a"]}`],
    ['application/x-www-form-urlencoded', `${form}&link=%00`],
    ['application/x-www-form-urlencoded', `${form}&action=add`],
    ['application/x-www-form-urlencoded', `${form}${'&x=1'.repeat(300)}`],
    ['multipart/form-data', form],
    ['multipart/form-data; boundary=x', form],
    [
      'multipart/form-data; boundary=x',
      `--x\r\nContent-Disposition: form-data; name="link"; filename="a"\r\n\r\n1\r\n--x--`,
    ],
  ]
  const answers = ['{"error":"Incorrect request"}', '{"error":"Invalid API key"}']
  for (const [type, body] of bodies) {
    const [status, text] = await send(type, body)
    expect([type, body.slice(0, 80), status, answers.includes(text)]).toEqual([type, body.slice(0, 80), 200, true])
  }
  expect(await send('application/json', nested)).toEqual(malformed)
  expect(await send('application/octet-stream', Buffer.from([0xff, 0xfe, 0x00]))).toEqual(malformed)
  expect(await doors.shop.wallet(id)).toEqual({ posted: 20_000_000n, held: 0n })
})
