import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { openSecrets, SecretError } from '#server/platform/secrets/secrets.ts'
import { testDatabase } from '#test/support/database.ts'
import { addProvider } from './add-provider.ts'
import { changeProvider } from './change-provider.ts'
import { ProviderChangedError, ProviderNameTakenError, ProviderNotFoundError, ProviderSettingError } from './errors.ts'
import { pauseProvider } from './pause-provider.ts'
import type { NewProvider } from './provider-settings.ts'
import { findProvider, findSealedProvider, listProviders } from './queries.ts'
import { keyContext } from './registry.ts'
import { resumeProvider } from './resume-provider.ts'

const KEY = 'canary-key-0123456789'
const NEW: NewProvider = { name: 'Panel one', url: 'https://panel.example/api/v2', key: KEY, currency: 'USD' }

async function setup() {
  const { db } = await testDatabase()
  const secret_key = randomBytes(32).toString('base64')
  const secrets = await openSecrets({ mode: 'production', home: '/nowhere', secret_key })
  const add = (fields: Partial<NewProvider> = {}) =>
    db.transaction((tx) => addProvider(tx, secrets, { ...NEW, ...fields }))
  const keyOf = async (id: bigint) => {
    const row = await findSealedProvider(db, id)
    return row && secrets.open({ ciphertext: row.key_ciphertext, key_id: row.key_id }, keyContext(id))
  }
  return { db, secrets, add, keyOf }
}

test('a new provider gets cautious defaults, and its key is stored sealed', async () => {
  const { db, add, keyOf } = await setup()
  const row = await add()
  expect(row).toMatchObject({
    adapter: 'panel-v2',
    scale: 6,
    enabled: true,
    statuses_max: 100,
    idempotency: 'none',
    version: 1n,
  })
  expect(await keyOf(row.id)).toBe(KEY)
  const stored = await db.query<{ text: string }>('select p::text as text from providers.provider p')
  expect(stored[0]?.text).not.toContain(KEY)
  expect(stored[0]?.text).not.toContain(Buffer.from(KEY).toString('hex'))
  expect(Object.keys(row).some((name) => name.startsWith('key'))).toBe(false)
})

test('a sealed key that was moved to another row does not open', async () => {
  const { db, add, keyOf } = await setup()
  const one = await add()
  const two = await add({ name: 'Panel two' })
  await db.query(
    `update providers.provider set key_ciphertext = (select key_ciphertext from providers.provider where id = $1) where id = $2`,
    [one.id, two.id],
  )
  await expect(keyOf(two.id)).rejects.toThrow(SecretError)
})

test.each<[string, Partial<NewProvider>]>([
  ['name', { name: '' }],
  ['name', { name: 'x'.repeat(81) }],
  ['url', { url: 'ftp://panel.example' }],
  ['url', { url: 'https://user:password@panel.example' }],
  ['url', { url: 'not an address' }],
  ['key', { key: 'short' }],
  ['key', { key: 'with a space inside' }],
  ['currency', { currency: 'usd' }],
  ['currency', { currency: 'XYZ' }],
  ['adapter', { adapter: 'constructor' }],
  ['timeout_ms', { timeout_ms: 0 }],
  ['concurrency', { concurrency: 1.5 }],
  ['rate_per_second', { rate_per_second: 0 }],
  ['statuses_max', { statuses_max: 101 }],
])('a bad %s is named', async (field, fields) => {
  const { db, add } = await setup()
  const refused = add(fields)
  await expect(refused).rejects.toThrow(ProviderSettingError)
  await expect(refused).rejects.toMatchObject({ field, status: 422 })
  expect(await listProviders(db)).toEqual([])
})

test('a refusal never repeats a bad key', async () => {
  const { add } = await setup()
  await expect(add({ key: 'canary with spaces' })).rejects.not.toThrow('canary')
})

test('an unknown setting is named', async () => {
  const { add } = await setup()
  await expect(add({ secret: 1 } as object)).rejects.toMatchObject({ field: 'secret' })
})

test('twenty at once with one name: one is added, the others are refused', async () => {
  const { db, add } = await setup()
  const ended = await Promise.allSettled(Array.from({ length: 20 }, () => add()))
  const refusals = ended.filter((each) => each.status === 'rejected').map((each) => each.reason)
  expect(refusals).toHaveLength(19)
  expect(refusals.every((reason) => reason instanceof ProviderNameTakenError)).toBe(true)
  expect(await listProviders(db)).toHaveLength(1)
})

test('a change keeps what it does not name, and counts the version up', async () => {
  const { db, secrets, add, keyOf } = await setup()
  const { id } = await add()
  const settings = { url: 'https://new.example/api/v2', enabled: false, concurrency: 3 }
  const row = await db.transaction((tx) => changeProvider(tx, secrets, { provider_id: id, settings, version: 1n }))
  expect(row).toMatchObject({ ...settings, name: NEW.name, rate_per_second: 20, version: 2n })
  expect(await keyOf(id)).toBe(KEY)
  await db.transaction((tx) => changeProvider(tx, secrets, { provider_id: id, settings: { key: 'another-key-987' } }))
  expect(await keyOf(id)).toBe('another-key-987')
})

test('a change is refused for a missing provider, an old version, a taken name, a bad setting', async () => {
  const { db, secrets, add } = await setup()
  const { id } = await add()
  await add({ name: 'Panel two' })
  const change = (provider_id: bigint, settings: object, version?: bigint) =>
    db.transaction((tx) => changeProvider(tx, secrets, { provider_id, settings, ...(version ? { version } : {}) }))
  await expect(change(99n, {})).rejects.toThrow(ProviderNotFoundError)
  await expect(change(id, {}, 7n)).rejects.toThrow(ProviderChangedError)
  await expect(change(id, { name: 'Panel two' })).rejects.toThrow(ProviderNameTakenError)
  await expect(change(id, { currency: 'EUR' })).rejects.toThrow(ProviderSettingError)
  expect((await findProvider(db, id))?.version).toBe(1n)
})

test('two that rename to one name at once: one wins, the other is told', async () => {
  const { db, secrets, add } = await setup()
  const ids = [(await add({ name: 'a' })).id, (await add({ name: 'b' })).id]
  const rename = (provider_id: bigint) =>
    db.transaction((tx) => changeProvider(tx, secrets, { provider_id, settings: { name: 'c' } }))
  const ended = await Promise.allSettled(ids.map(rename))
  expect(ended.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(ended.find((each) => each.status === 'rejected')?.reason).toBeInstanceOf(ProviderNameTakenError)
})

test('a pause only grows, and ends when told', async () => {
  const { db, add } = await setup()
  const { id } = await add()
  const [noon, one] = [new Date('2026-11-20T12:00:00Z'), new Date('2026-11-20T13:00:00Z')]
  const pause = (until: Date, reason: string) =>
    db.transaction((tx) => pauseProvider(tx, { provider_id: id, until, reason }))
  expect(await pause(one, 'staff')).toBe(true)
  expect(await pause(noon, 'no money')).toBe(false)
  expect(await findProvider(db, id)).toMatchObject({ paused_until: one, pause_reason: 'staff', version: 1n })
  await db.transaction((tx) => resumeProvider(tx, id))
  expect(await findProvider(db, id)).toMatchObject({ paused_until: null, pause_reason: null })
  await expect(db.transaction((tx) => resumeProvider(tx, 99n))).rejects.toThrow(ProviderNotFoundError)
  await expect(
    db.transaction((tx) => pauseProvider(tx, { provider_id: 99n, until: noon, reason: 'x' })),
  ).rejects.toThrow(ProviderNotFoundError)
})
