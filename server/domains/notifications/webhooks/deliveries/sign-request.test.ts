import { createHmac } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { newWebhookSecret } from '#server/kit/standard-webhooks.ts'
import { signRequest } from './sign-request.ts'

const body = '{"type":"order.completed","data":{"note":"größer"}}'
const now_s = () => Math.floor(Date.now() / 1_000)

test('by Standard Webhooks, the published library takes each of two secrets, and no third', () => {
  const [older, newer, other] = [newWebhookSecret(), newWebhookSecret(), newWebhookSecret()]
  const headers = signRequest('standard', [newer, older], { id: 'msg_1', timestamp_s: now_s(), body })
  expect(Object.keys(headers)).toEqual(['webhook-id', 'webhook-timestamp', 'webhook-signature'])
  for (const secret of [older, newer]) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body))
  expect(() => new Webhook(other).verify(body, headers)).toThrow()
})

test('plainly, the header is the HMAC-SHA256 of the body by the secret as it is shown, one for each', () => {
  const secrets = ['whsec_bmV3ZXI=', 'whsec_b2xkZXI=']
  const headers = signRequest('hmac_sha256', secrets, { id: 'msg_1', timestamp_s: 1_614_265_330, body })
  const macs = secrets.map((secret) => createHmac('sha256', secret).update(Buffer.from(body, 'utf8')).digest('hex'))
  expect(headers).toEqual({
    'webhook-id': 'msg_1',
    'webhook-timestamp': '1614265330',
    'saldo-signature': `sha256=${macs[0]} sha256=${macs[1]}`,
  })
  const [vector] = Object.values(
    signRequest('hmac_sha256', ['key'], {
      id: 'a',
      timestamp_s: 1,
      body: 'The quick brown fox jumps over the lazy dog',
    }),
  ).slice(2)
  expect(vector).toBe('sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8')
})
