import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { signRequest } from '#server/domains/notifications/webhooks/deliveries/sign-request.ts'
import { webhooks } from './webhook-guide.ts'
import { SAMPLES, VECTOR } from './webhook-samples.ts'

const { secret, id, timestamp, body } = VECTOR
const MESSAGE = { id, timestamp_s: Number(timestamp), body }

// Neither PHP nor Python is on every machine: by the vector, which stands on the page, both can be tried anywhere.
test('what the page prints to try other languages by is what we sign', () => {
  expect(signRequest('standard', [secret], MESSAGE)['webhook-signature']).toBe(VECTOR.standard)
  expect(signRequest('hmac_sha256', [secret], MESSAGE)['saldo-signature']).toBe(VECTOR.hmac_sha256)
  const shown = JSON.stringify(webhooks.parts)
  for (const value of [VECTOR.standard, VECTOR.hmac_sha256, id, timestamp]) expect(shown).toContain(value)
})

test('the TypeScript of the page takes what we sign, also beside a signature by another secret, and nothing else', () => {
  const other = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
  const standard = signRequest('standard', [other, secret], MESSAGE)
  const plain = signRequest('hmac_sha256', [other, secret], MESSAGE)['saldo-signature']
  const foreign = signRequest('standard', [other], MESSAGE)
  const asked = `
const body = Buffer.from(${JSON.stringify(body)})
const now = ${timestamp}
const standard = ${JSON.stringify(standard)}
const plain = ${JSON.stringify(plain)}
const secret = ${JSON.stringify(secret)}
process.stdout.write(JSON.stringify([
  isFromSaldo(secret, standard, body, now + 299), isPlainlyFromSaldo(secret, plain, body),
  isFromSaldo(secret, standard, body, now + 301), isFromSaldo(secret, standard, body), isFromSaldo(secret, {}, body, now),
  isFromSaldo(secret, standard, Buffer.from('{}'), now), isFromSaldo(secret, { ...standard, 'webhook-id': 'msg_2' }, body, now),
  isFromSaldo(secret, ${JSON.stringify(foreign)}, body, now), isPlainlyFromSaldo(secret, plain, Buffer.from('{}')), isPlainlyFromSaldo(secret, 'é', body),
]))`
  const folder = mkdtempSync(join(tmpdir(), 'saldo-sample-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sample.mts')
  writeFileSync(file, SAMPLES.typescript + asked)
  const told = JSON.parse(
    execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', file], { encoding: 'utf8' }),
  )
  expect(told).toEqual([true, true, ...Array(8).fill(false)])
})
