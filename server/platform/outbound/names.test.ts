import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startNameServer } from '#test/support/name-server.ts'
import { checkUrl } from './check-url.ts'
import { type OutboundError, openOutbound } from './outbound.ts'
import { resolveByDns } from './resolve-name.ts'

type Names = Parameters<typeof startNameServer>[0]

async function setup(names: Names, allow_private_addresses = false) {
  const server = await startNameServer(names)
  const resolveName = resolveByDns([server.address])
  const outbound = openOutbound({ allow_private_addresses, user_agent: 'saldo-test', resolveName })
  onTestFinished(() => outbound.close())
  const call = (url: string, timeout_ms = 5_000) =>
    outbound.call({ url, method: 'POST', body: '', timeout_ms, max_bytes: 1_000 })
  const outcome = (url: string, timeout_ms?: number) =>
    call(url, timeout_ms).then(
      (response) => response.body,
      (error: OutboundError) => error.failure,
    )
  const check = (url: string) => checkUrl(new URL(url), { allow_private_addresses, resolveName })
  return { asked: server.asked, resolveName, outcome, check }
}

/** A server on the loopback that counts who reached it, and closes each connection. */
async function inside() {
  const server = createServer((_, response) => {
    reached += 1
    response.writeHead(200, { connection: 'close' }).end('reached')
  })
  let reached = 0
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, reached: () => reached }
}

test('a name is called at the address that its name server tells', async () => {
  const { outcome, asked } = await setup({ 'hooks.example': () => ['127.0.0.1'] }, true)
  const { port } = await inside()
  expect(await outcome(`http://hooks.example:${port}/`)).toBe('reached')
  expect(asked('hooks.example')).toBe(1)
})

test('a name that leads inside is refused, also among addresses that do not, by IPv4 and IPv6', async () => {
  const { outcome, check } = await setup({
    'inside.example': () => ['127.0.0.1'],
    'mixed.example': () => ['203.0.113.7', '8.8.8.8', '10.0.0.1'],
    'six.example': () => ['8.8.8.8', '::1'],
    'mapped.example': () => ['::ffff:127.0.0.1'],
    'nat64.example': () => ['64:ff9b::7f00:1'],
    'public.example': () => ['8.8.8.8', '2001:4860:4860::8888'],
  })
  const { port, reached } = await inside()
  for (const name of ['inside', 'mixed', 'six', 'mapped', 'nat64']) {
    expect([name, await outcome(`http://${name}.example:${port}/`)]).toEqual([name, 'address_refused'])
    expect([name, await check(`http://${name}.example:${port}/`)]).toEqual([name, 'address_refused'])
  }
  expect(await check('https://public.example/')).toBeUndefined()
  expect(reached()).toBe(0)
})

test('a name that answers public when it is looked at and private when it is called is refused', async () => {
  const { outcome, check, asked } = await setup({ 'rebind.example': (n) => (n === 0 ? ['8.8.8.8'] : ['127.0.0.1']) })
  const { port, reached } = await inside()
  expect(await check(`http://rebind.example:${port}/`)).toBeUndefined()
  expect(await outcome(`http://rebind.example:${port}/`)).toBe('address_refused')
  // One question for a connection: the address that was checked is the address that is called.
  expect([asked('rebind.example'), reached()]).toEqual([2, 0])
})

test('localhost and its like are this machine, whatever a name server says', async () => {
  const { outcome, resolveName, check } = await setup({
    localhost: () => ['8.8.8.8'],
    'a.localhost': () => ['8.8.8.8'],
  })
  const { port, reached } = await inside()
  for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost']) {
    expect([name, await outcome(`http://${name}:${port}/`)]).toEqual([name, 'address_refused'])
    expect([name, await check(`http://${name}:${port}/`)]).toEqual([name, 'address_refused'])
  }
  expect(reached()).toBe(0)
  expect((await resolveName('localhost')).map((each) => each.address)).toEqual(['127.0.0.1', '::1'])
})

test('an address written out is judged without a question, in any spelling', async () => {
  const { check } = await setup({})
  const inside = [
    '127.0.0.1',
    '0x7f.1',
    '0177.0.0.1',
    '2130706433',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
    '169.254.169.254',
  ]
  for (const host of inside) expect([host, await check(`https://${host}/`)]).toEqual([host, 'address_refused'])
  for (const host of ['8.8.8.8', '[::ffff:8.8.8.8]', '[2001:4860:4860::8888]']) {
    expect([host, await check(`https://${host}/`)]).toEqual([host, undefined])
  }
})

test('a name that nobody knows, and one whose server is silent, hold up no other name', async () => {
  const silent = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`silent-${i}.example`, () => 'silence' as const]),
  )
  const { outcome, check } = await setup({ ...silent, 'hooks.example': () => ['127.0.0.1'] }, true)
  const { port } = await inside()
  const waiting = Object.keys(silent).map((name) => outcome(`http://${name}:${port}/`, 1_000))
  // More than Node has threads; the system's own way would wait here.
  const first = await Promise.race([outcome(`http://hooks.example:${port}/`), ...waiting])
  expect(first).toBe('reached')
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['timeout']))
  expect(await outcome(`http://unknown.example:${port}/`)).toBe('dns')
  expect(await check(`http://unknown.example:${port}/`)).toBeUndefined()
})

test('a name that nobody knows is told apart from one that leads inside', async () => {
  const { check } = await setup({})
  expect(await check('https://unknown.example/')).toBe('dns')
})
