import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { InvariantError } from './invariant.ts'
import { newWebhookSecret, signMessage, verifyMessage } from './standard-webhooks.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const TIMESTAMP = 1614265330
const BODY = '{"test": 2432232314}'
const MAC = 'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
const OTHER = 'Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc='

interface Sent {
  id: string | undefined
  timestamp: string | undefined
  signature: string | undefined
  body: string
  secret: string
  now_s: number
}

function verify(changed: Partial<Sent> = {}) {
  const sent: Sent = {
    id: ID,
    timestamp: String(TIMESTAMP),
    signature: `v1,${MAC}`,
    body: BODY,
    secret: SECRET,
    now_s: TIMESTAMP,
    ...changed,
  }
  return verifyMessage([sent.secret], sent, sent.body, sent.now_s)
}

test('the published examples are signed as published', () => {
  const sign = (secret: string, body = BODY) => signMessage([secret], { id: ID, timestamp_s: TIMESTAMP, body })
  expect(sign(SECRET)).toBe(`v1,${MAC}`)
  expect(sign(SECRET.slice(6))).toBe(`v1,${MAC}`)
  expect(sign(SECRET, '')).toBe('v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=')
  // Base64 without its padding, one and two characters of it.
  expect(sign('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS')).toBe('v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk=')
  expect(sign('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr')).toBe('v1,yK2tMbA6BHPrMEJ1lLv7UlJJbgFoqGenJkiajZ29evg=')
})

test('bytes are signed as they are, also those that are no text', () => {
  const bytes = Uint8Array.from([0xff, 0xfe, 0x00, 0x80])
  const signature = signMessage([SECRET], { id: ID, timestamp_s: TIMESTAMP, body: bytes })
  const headers = { id: ID, timestamp: String(TIMESTAMP), signature }
  expect(verifyMessage([SECRET], headers, bytes, TIMESTAMP)).toBeUndefined()
  expect(verifyMessage([SECRET], headers, Buffer.from(bytes).toString(), TIMESTAMP)).toBe('wrong_signature')
})

test('a message that holds is taken, among other signatures, with and without the prefix, up to five minutes off', () => {
  expect(verify()).toBeUndefined()
  expect(verify({ secret: SECRET.slice(6) })).toBeUndefined()
  expect(verify({ signature: `v1,${OTHER} v2,${OTHER} v1,${MAC} v1,${OTHER}` })).toBeUndefined()
  for (const off of [-300, 300]) expect(verify({ now_s: TIMESTAMP + off })).toBeUndefined()
})

test('a message that lacks anything, or has anything wrong, is not taken', () => {
  for (const name of ['id', 'timestamp', 'signature'] as const) {
    for (const value of [undefined, '']) expect(verify({ [name]: value })).toBe('header_missing')
  }
  for (const timestamp of [
    'hello',
    '1614265330.7',
    '-1614265330',
    '1614265330abc',
    ' 1614265330',
    '0x60380000',
    '1e9',
  ]) {
    expect([timestamp, verify({ timestamp })]).toEqual([timestamp, 'bad_timestamp'])
  }
  expect(verify({ now_s: TIMESTAMP + 301 })).toBe('too_old')
  expect(verify({ now_s: TIMESTAMP - 301 })).toBe('too_new')
  const wrong = [
    'v1,dawfeoifkpqwoekfpqoekf',
    `v1,${MAC}`.slice(0, 8),
    'v1,',
    `v2,${MAC}`,
    MAC,
    `v1a,${MAC}`,
    `V1,${MAC}`,
  ]
  for (const signature of wrong) expect([signature, verify({ signature })]).toEqual([signature, 'wrong_signature'])
  expect(verify({ id: `${ID}x` })).toBe('wrong_signature')
  expect(verify({ timestamp: String(TIMESTAMP + 1) })).toBe('wrong_signature')
  expect(verify({ body: `${BODY} ` })).toBe('wrong_signature')
  expect(verify({ secret: newWebhookSecret() })).toBe('wrong_signature')
})

test('an empty secret signs and takes nothing', () => {
  for (const secret of ['', 'whsec_']) {
    expect(() => signMessage([secret], { id: ID, timestamp_s: TIMESTAMP, body: BODY })).toThrow(InvariantError)
    expect(() => verify({ secret })).toThrow(InvariantError)
  }
})

test('what could be read in two ways is not signed', () => {
  for (const id of ['', 'msg.1']) {
    expect(() => signMessage([SECRET], { id, timestamp_s: TIMESTAMP, body: BODY })).toThrow(InvariantError)
  }
  for (const timestamp_s of [-1, 1.5, Number.NaN]) {
    expect(() => signMessage([SECRET], { id: ID, timestamp_s, body: BODY })).toThrow(InvariantError)
  }
})

test('a secret is 32 bytes, and no two are the same', () => {
  const secrets = Array.from({ length: 20 }, newWebhookSecret)
  for (const secret of secrets) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  expect(new Set(secrets).size).toBe(20)
})

const anyId = fc.string({ minLength: 1, maxLength: 40 }).filter((id) => !id.includes('.') && id === id.trim())
const anySecret = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((key) => `whsec_${Buffer.from(key).toString('base64')}`)
/** The published library reads its own clock. */
const now = () => Math.floor(Date.now() / 1000)

test('the published library takes what we sign', () => {
  fc.assert(
    fc.property(anyId, fc.json(), fc.array(anySecret, { minLength: 1, maxLength: 3 }), (id, body, secrets) => {
      const timestamp_s = now()
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(timestamp_s),
        'webhook-signature': signMessage(secrets, { id, timestamp_s, body }),
      }
      for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
    }),
  )
})

test('we take what the published library signs', () => {
  fc.assert(
    fc.property(anyId, fc.string({ unit: 'grapheme' }), anySecret, (id, body, secret) => {
      const at = now()
      const signature = new Webhook(secret).sign(id, new Date(at * 1000), body)
      expect(verifyMessage([secret], { id, timestamp: String(at), signature }, body, at)).toBeUndefined()
      expect(signature).toBe(signMessage([secret], { id, timestamp_s: at, body }))
    }),
  )
})
