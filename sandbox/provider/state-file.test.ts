import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { controlOf } from './client.ts'
import { startProviderPanel } from './start-provider-panel.ts'
import { startTestPanel, TEST_PACE } from './test-panel.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

async function stateFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'saldo-panel-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'panel.jsonl')
}

/** Runs main.ts as a process of its own and waits for its address. */
async function startProcess(...args: string[]): Promise<{ child: ChildProcess; url: string; control_url: string }> {
  const child = spawn(process.execPath, [MAIN, '--key', 'k', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { child, ...(JSON.parse(line) as { url: string; control_url: string }) }
}

test('a panel that was closed and started again knows its orders, balance, services and pace', async () => {
  const state_file = await stateFile()
  let now_ms = Date.parse('2026-01-01T00:00:00Z')
  const options = { key: 'k', state_file, pace: TEST_PACE, now_ms: () => now_ms, balance: '1000' }
  const first = await startProviderPanel(options)
  const control = controlOf(first.control_url)
  const order = { service: '101', link: 'https://example.org/text', quantity: '1000' }
  const { ids } = await control.enterOrders([order, order, { ...order, service: '801', comments: 'a\nb' }])
  await control.finish(ids[0] ?? '', { status: 'Partial', remains: 300 })
  await control.addBalance('5')
  await control.changeService(101, { rate: '39', disabled: true })
  now_ms += 50_000
  await control.pace({ complete_ms_min: 10_000, complete_ms_max: 20_000 })
  const [orders, summary, services] = [await control.allOrders(), await control.summary(), await control.services()]
  await first.close()

  const second = await startProviderPanel({ ...options, balance: '7' })
  onTestFinished(() => second.close())
  const again = controlOf(second.control_url)
  expect(await again.allOrders()).toEqual(orders)
  expect(await again.summary()).toEqual({ ...summary, requests: {} })
  expect(await again.services()).toEqual(services)
  expect((await again.enterOrders([{ ...order, service: '102' }])).ids).toEqual(['100004'])
})

test('a process that is killed forgets no order it told of, and gives no id twice', async () => {
  const state_file = await stateFile()
  const args = ['--state-file', state_file, '--balance', '1000', '--complete-ms-min', '0', '--complete-ms-max', '0']
  const told = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const { child, url } = await startProcess(...args)
    const exited = once(child, 'exit')
    let answers = 0
    // Many at once, and the kill falls among them.
    const asked = Array.from({ length: 60 }, async (_, index) => {
      const fields = {
        key: 'k',
        action: 'add',
        service: '101',
        quantity: '50',
        link: `https://x.org/${round}/${index}`,
      }
      const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) })
      const { order } = (await response.json()) as { order: number }
      expect(told.has(String(order))).toBe(false)
      told.add(String(order))
      answers += 1
      if (answers === 20) child.kill('SIGKILL')
    })
    const results = await Promise.allSettled(asked)
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(20)
    await exited
  }
  const { child, control_url } = await startProcess(...args)
  const orders = await controlOf(control_url).allOrders()
  const kept = new Set(orders.map(({ id }) => id))
  expect([...told].filter((id) => !kept.has(id))).toEqual([])
  expect(kept.size).toBe(orders.length)
  const summary = await controlOf(control_url).summary()
  expect(summary.links_ordered_more_than_once).toBe(0)
  expect(Number(summary.balance)).toBeCloseTo(1_000 - orders.length * 1.9, 6)
  await controlOf(control_url).addBalance('5')
  await controlOf(control_url).changeService(101, { rate: '39' })
  const changed = await controlOf(control_url).summary()
  const killed = once(child, 'exit')
  child.kill('SIGKILL')
  await killed
  const last = await startProcess(...args)
  expect(await controlOf(last.control_url).summary()).toEqual(changed)
  expect((await controlOf(last.control_url).services())[0]).toMatchObject({ service: 101, rate: '39.00' })
  const stopped = once(last.child, 'exit')
  last.child.kill('SIGTERM')
  expect(await stopped).toEqual([0, null])
})

test('a line that was being written at the end is dropped, a broken line before it is named', async () => {
  const state_file = await stateFile()
  const first = await startProviderPanel({ key: 'k', state_file })
  await controlOf(first.control_url).enterOrders([{ service: '701', link: 'https://example.org' }])
  await first.close()
  await appendFile(state_file, '{"kind":"order","row":{"numb')
  const second = await startProviderPanel({ key: 'k', state_file })
  expect((await controlOf(second.control_url).summary()).orders_accepted).toBe(1)
  await second.close()
  const lines = (await readFile(state_file, 'utf8')).split('\n')
  await writeFile(state_file, lines.with(2, '{"kind":"service"}').join('\n'))
  await expect(startProviderPanel({ key: 'k', state_file })).rejects.toThrow('line 3: not readable')
})

test('a busy port, a bad option and a bad argument are refused clearly', async () => {
  const { panel } = await startTestPanel()
  await expect(startProviderPanel({ key: 'k', port: panel.port })).rejects.toThrow('EADDRINUSE')
  await expect(startProviderPanel({ key: '' })).rejects.toThrow('key: must not be empty')
  await expect(startProviderPanel({ key: 'k', balance: 'much' })).rejects.toThrow('balance: expected a decimal')
  await expect(startProviderPanel({ key: 'k', pace: { complete_ms_min: 2, complete_ms_max: 1 } })).rejects.toThrow(
    'pace.complete_ms_max: ',
  )
  const child = spawn(process.execPath, [MAIN, '--key', 'k', '--port', 'x'], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [[line], [code]] = await Promise.all([once(createInterface(child.stderr), 'line'), once(child, 'exit')])
  expect([line, code]).toEqual(['--port: expected a whole number, got "x"', 1])
})
