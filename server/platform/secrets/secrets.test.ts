import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openSecrets, SecretError } from './secrets.ts'

const newKey = () => randomBytes(32).toString('base64')

async function setup() {
  const home = await mkdtemp(join(tmpdir(), 'saldo-secrets-'))
  onTestFinished(() => rm(home, { recursive: true }))
  return { home, production: { mode: 'production', home, secret_key: newKey() } as const }
}

test('opens what it sealed, in the same context', async () => {
  const { production } = await setup()
  const secrets = await openSecrets(production)
  const sealed = secrets.seal('ключ-of-a-provider', 'provider:1')
  expect(secrets.open(sealed, 'provider:1')).toBe('ключ-of-a-provider')
  expect(sealed.ciphertext.includes('provider')).toBe(false)
})

test('seals the same text differently each time', async () => {
  const { production } = await setup()
  const secrets = await openSecrets(production)
  expect(secrets.seal('one', 'c').ciphertext.equals(secrets.seal('one', 'c').ciphertext)).toBe(false)
})

test('refuses a text of another context', async () => {
  const { production } = await setup()
  const secrets = await openSecrets(production)
  expect(() => secrets.open(secrets.seal('one', 'provider:1'), 'provider:2')).toThrow(SecretError)
})

test('notices a change of any single byte, and every shortening', async () => {
  const { production } = await setup()
  const secrets = await openSecrets(production)
  const { ciphertext, key_id } = secrets.seal('a secret', 'c')
  for (let at = 0; at < ciphertext.length; at++) {
    const changed = Buffer.from(ciphertext)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(() => secrets.open({ ciphertext: changed, key_id }, 'c')).toThrow(SecretError)
    expect(() => secrets.open({ ciphertext: ciphertext.subarray(0, at), key_id }, 'c')).toThrow(SecretError)
  }
})

test('opens under a retired key, seals under the new one', async () => {
  const { production } = await setup()
  const old = (await openSecrets(production)).seal('kept', 'c')
  const changed = { ...production, secret_key: newKey() }
  const rotated = await openSecrets(changed, [production.secret_key])
  expect(rotated.open(old, 'c')).toBe('kept')
  expect(rotated.seal('kept', 'c').key_id).not.toBe(old.key_id)
  const without = await openSecrets(changed)
  expect(() => without.open(old, 'c')).toThrow(old.key_id)
})

test('makes one key in a sandbox, the same for twenty starters at once, readable by its owner alone', async () => {
  const { home } = await setup()
  const config = { mode: 'sandbox', home: join(home, 'new'), secret_key: undefined } as const
  const all = await Promise.all(Array.from({ length: 20 }, () => openSecrets(config)))
  const ids = new Set(all.map((each) => each.seal('x', 'c').key_id))
  expect(ids.size).toBe(1)
  expect(await readdir(config.home)).toEqual(['secret.key'])
  expect((await stat(join(config.home, 'secret.key'))).mode & 0o777).toBe(0o600)
  expect((await openSecrets(config)).seal('x', 'c').key_id).toBe([...ids][0])
})

test('refuses a malformed key without showing it', async () => {
  const { home } = await setup()
  await writeFile(join(home, 'secret.key'), 'half-a-key')
  const refused = openSecrets({ mode: 'sandbox', home, secret_key: undefined })
  await expect(refused).rejects.toThrow('32 bytes')
  await expect(refused).rejects.not.toThrow('half-a-key')
})

test('makes no key of its own in production', async () => {
  const { home } = await setup()
  await expect(openSecrets({ mode: 'production', home, secret_key: undefined })).rejects.toThrow('SALDO_SECRET_KEY')
  expect(await readdir(home)).toEqual([])
})

test('a mac is the same each time, and another for any other text, context or master key', async () => {
  const { production } = await setup()
  const secrets = await openSecrets(production)
  const other = await openSecrets({ ...production, secret_key: newKey() })
  const macs = [
    secrets.mac('one', 'links'),
    secrets.mac('two', 'links'),
    secrets.mac('one', 'cookies'),
    other.mac('one', 'links'),
  ].map((each) => each.toString('hex'))
  expect(new Set(macs).size).toBe(4)
  expect(secrets.mac('one', 'links').toString('hex')).toBe(macs[0])
  expect(macs[0]).toHaveLength(64)
})
