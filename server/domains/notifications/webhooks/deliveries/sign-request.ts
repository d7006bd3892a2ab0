import { createHmac } from 'node:crypto'
import { type SignedMessage, signMessage } from '#server/kit/standard-webhooks.ts'
import type { Signature } from '../webhook.ts'

/** The header of the plain signature: HMAC-SHA256 of the body alone, by the secret as it is shown, in hexadecimal. */
const PLAIN_HEADER = 'saldo-signature'

/**
 * The headers by which the receiver knows that a request is ours. Id and time are always there; the signature is that of Standard Webhooks, or the plain one. While a
 * secret is being changed there are two signatures, spaces between, and either may be checked.
 */
export function signRequest(
  signature: Signature,
  secrets: readonly string[],
  message: SignedMessage,
): Record<string, string> {
  const named = { 'webhook-id': message.id, 'webhook-timestamp': String(message.timestamp_s) }
  if (signature === 'standard') return { ...named, 'webhook-signature': signMessage(secrets, message) }
  const macs = secrets.map((secret) => `sha256=${createHmac('sha256', secret).update(message.body).digest('hex')}`)
  return { ...named, [PLAIN_HEADER]: macs.join(' ') }
}
