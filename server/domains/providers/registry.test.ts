import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { controlOf } from '#sandbox/provider/client.ts'
import { startProviderPanel } from '#sandbox/provider/start-provider-panel.ts'
import { SecretError } from '#server/platform/secrets/secrets.ts'
import { databaseForAll } from '#test/support/database-for-all.ts'
import { testProviders } from '#test/support/providers.ts'
import { changeProvider } from './change-provider.ts'
import { ProviderNotFoundError } from './errors.ts'
import { FAILURES_MAX } from './limits.ts'
import { pauseProvider } from './pause-provider.ts'
import type { PlaceRequest } from './provider.ts'
import type { ProviderChange } from './provider-settings.ts'
import { callsOfOrder } from './queries.ts'
import { resumeProvider } from './resume-provider.ts'

const KEY = 'canary/key+of&the=panel"1'
const ORDER: PlaceRequest = {
  attempt_key: 'a1',
  provider_service_id: '201',
  type: 'Default',
  link: 'https://example.com/text',
  quantity: 100n,
  params: {},
}
const NOTHING = { order_id: undefined }

const database = databaseForAll()

async function setup() {
  const db = database()
  const panel = await startProviderPanel({ key: KEY })
  onTestFinished(() => panel.close())
  const opened = await testProviders(db)
  const id = await opened.add({ url: panel.url, key: KEY })
  const change = (settings: ProviderChange) =>
    db.transaction((tx) => changeProvider(tx, opened.providers.secrets, { provider_id: id, settings }))
  const place = async () => (await opened.providers.providerById(id)).place(ORDER, NOTHING)
  return { ...opened, db, panel, control: controlOf(panel.control_url), id, change, place }
}

describe('the registry', () => {
  test('an unknown provider is not found', async () => {
    const { providers } = await setup()
    await expect(providers.providerById(999_999n)).rejects.toThrow(ProviderNotFoundError)
  })

  test('a changed key and address take effect with the next call', async () => {
    const { providers, id, change, place, control } = await setup()
    await change({ key: 'a-wrong-key' })
    expect(await place()).toMatchObject({ code: 'invalid_key' })
    await change({ key: KEY })
    expect(await place()).toMatchObject({ outcome: 'accepted' })
    const other = await startProviderPanel({ key: KEY, balance: '7' })
    onTestFinished(() => other.close())
    await change({ url: other.url })
    expect((await (await providers.providerById(id)).balance()).balance).toBe(7_000_000n)
    expect((await control.summary()).orders_accepted).toBe(1)
  })

  test('limits belong to the provider, not to who asked for it; a change makes new ones', async () => {
    const { control, change, place } = await setup()
    await control.setFaults({ cut_before: 1 })
    for (let count = 0; count < FAILURES_MAX; count++) expect(await place()).toMatchObject({ outcome: 'unknown' })
    await control.setFaults({})
    expect(await place()).toMatchObject({ outcome: 'rejected', code: 'not_sent' })
    await change({ concurrency: 4 })
    expect(await place()).toMatchObject({ outcome: 'accepted' })
  })

  test('a provider that is switched off gets no order, but its orders are followed', async () => {
    const { providers, id, change, place, control } = await setup()
    const first = await place()
    await change({ enabled: false })
    expect(await place()).toMatchObject({
      outcome: 'rejected',
      code: 'not_sent',
      message: expect.stringContaining('off'),
    })
    expect((await control.summary()).requests).toEqual({ add: 1 })
    const provider = await providers.providerById(id)
    expect(provider.row.enabled).toBe(false)
    const order = first.outcome === 'accepted' ? first.provider_order_id : ''
    expect((await provider.statuses([order])).get(order)).toMatchObject({ ok: true })
  })

  test('a paused provider gets no order until the pause is over', async () => {
    const { db, id, place, control } = await setup()
    const pause = (until: Date) =>
      db.transaction((tx) => pauseProvider(tx, { provider_id: id, until, reason: 'out of money' }))
    await pause(new Date(Date.now() - 1_000))
    expect(await place()).toMatchObject({ outcome: 'accepted' })
    await pause(new Date(Date.now() + 60_000))
    expect(await place()).toMatchObject({ code: 'not_sent', message: 'the provider is paused: out of money' })
    await db.transaction((tx) => resumeProvider(tx, id))
    expect(await place()).toMatchObject({ outcome: 'accepted' })
    expect((await control.summary()).orders_accepted).toBe(2)
  })

  test('a key that was tampered with in the database is never sent', async () => {
    const { db, providers, id, control } = await setup()
    await db.query(
      'update providers.provider set key_ciphertext = set_byte(key_ciphertext, 40, 255 - get_byte(key_ciphertext, 40)) where id = $1',
      [id],
    )
    await expect(providers.providerById(id)).rejects.toThrow(SecretError)
    expect((await control.summary()).requests).toEqual({})
  })

  test('durations are measured by provider, action and outcome', async () => {
    const { providers, place, id } = await setup()
    await place()
    await (await providers.providerById(id)).balance()
    const text = await providers.metrics.registry.metrics()
    expect(text).toMatch(/saldo_provider_call_seconds_count\{provider="[^"]+",action="add",outcome="accepted"\} 1/)
    expect(text).toMatch(/saldo_provider_call_seconds_count\{provider="[^"]+",action="balance",outcome="ok"\} 1/)
  })
})

describe('a provider that repeats the key', () => {
  const spellings: Record<string, (key: string) => string> = {
    'in its refusal': (key) => JSON.stringify({ error: `Invalid API key: ${key}` }),
    'percent-encoded': (key) => JSON.stringify({ error: `No access for key=${encodeURIComponent(key)}` }),
    'as PHP writes it': (key) => JSON.stringify({ error: key }).replaceAll('/', '\\/'),
    'on a page': (key) => `<html>${key}</html>`,
    'as the word for a status': (key) => JSON.stringify({ status: key, 1: { status: key }, 2: { error: key } }),
    'at the end of a long text': (key) => `${'x'.repeat(3_990)}${key}`,
  }

  test.each(Object.keys(spellings))('%s, is not repeated by us', async (name) => {
    const db = database()
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.end(spellings[name]?.(KEY)))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.closeAllConnections())
    onTestFinished(() => void server.close())
    const { providers, lines, add, close } = await testProviders(db)
    const id = await add({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v2`, key: KEY })
    const provider = await providers.providerById(id)
    const ended = [
      await provider.place(ORDER, { order_id: id }),
      ...(await Promise.allSettled([
        provider.balance(),
        provider.services(),
        provider.statuses(['1']),
        provider.statuses(['1', '2']),
      ])),
    ]
    await close()
    const calls = await callsOfOrder(db, id)
    expect(calls).toHaveLength(1)
    const all = await db.query('select * from providers.call_log where provider_id = $1', [id])
    const shown = inspect([ended, lines, all, calls], { depth: 10, maxStringLength: null })
    const parts = [KEY, encodeURIComponent(KEY), KEY.replaceAll('/', '\\/'), JSON.stringify(KEY).slice(1, -1), 'canary']
    for (const part of parts) expect(shown).not.toContain(part)
  })
})
