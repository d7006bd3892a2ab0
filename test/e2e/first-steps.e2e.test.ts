import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { controlOf } from '#sandbox/provider/client.ts'
import { parseAmount } from '#server/kit/money.ts'
import { emptySaldoHome, runSaldo, startSaldo } from '../support/started-saldo.ts'

const micro = (decimal: string) => parseAmount(decimal, 6) as bigint

const run = promisify(execFile)

/** Runs a line as a person would paste it. */
async function paste(line: string): Promise<unknown> {
  const { stdout } = await run('bash', ['-c', line])
  return JSON.parse(stdout)
}

test('the line that the first start ends with places an order, which is fulfilled and settled to the last unit', async () => {
  const home = emptySaldoHome()
  const saldo = await startSaldo(home)
  const line = saldo.said().match(/^ {2}(curl -s .*action=add.*)$/m)?.[1]
  expect(line, saldo.said()).toBeDefined()
  const { url, apiKeys, sandbox } = saldo.file
  const ask = (fields: string) => paste(`curl -s ${url}/api/v2 -d key=${apiKeys.customer} ${fields}`)
  const before = (await ask('-d action=balance')) as { balance: string }

  expect(await paste(line as string)).toEqual({ order: 1 })
  const control = controlOf(`${sandbox.provider}/control`)
  const [placed] = await vi.waitUntil(async () => {
    const orders = await control.allOrders()
    return orders.length > 0 && orders
  }, 20_000)
  await control.finish(placed?.id as string, { status: 'Partial', remains: 250 })
  const settled = await vi.waitUntil(async () => {
    const status = (await ask('-d action=status -d order=1')) as { status: string; charge: string; remains: string }
    return status.status === 'Partial' && status
  }, 20_000)
  expect(settled.remains).toBe('250')
  const after = (await ask('-d action=balance')) as { balance: string }
  expect(micro(before.balance) - micro(after.balance)).toBe(micro(settled.charge))
  expect(await runSaldo(home, 'verify')).toMatchObject({
    code: 0,
    output: expect.stringContaining('The books are sound.'),
  })
}, 90_000)

test('a house that was killed starts again with everything that it had acknowledged', async () => {
  const home = emptySaldoHome()
  const first = await startSaldo(home)
  const key = first.file.apiKeys.customer
  const add = (url: string) =>
    paste(
      `curl -s ${url}/api/v2 -d key=${key} -d action=add -d service=1 -d link=https://example.com/a -d quantity=1000`,
    )
  expect(await add(first.file.url)).toEqual({ order: 1 })
  await first.end('SIGKILL')

  const second = await startSaldo(home)
  expect(second.file.users).toEqual(first.file.users)
  const status = await paste(`curl -s ${second.file.url}/api/v2 -d key=${key} -d action=status -d order=1`)
  expect(status).toMatchObject({ currency: 'USD' })
  expect(await add(second.file.url)).toEqual({ order: 2 })
  const refused = await runSaldo(home, 'all')
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('Saldo runs already') })
  expect(await second.end('SIGTERM')).toBe(0)
  expect(second.said()).toContain('Stopped.')
}, 120_000)
