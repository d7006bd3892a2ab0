import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { invariant } from './invariant.ts'

// Standard Webhooks 1.0.0, symmetric signatures (v1): HMAC-SHA256 over `id.timestamp.body`, several of them side by side while a secret is changed.

/** Before the base64 of a secret. */
const PREFIX = 'whsec_'

/** The specification wants 24 to 64 bytes. */
const SECRET_BYTES = 32

/** Older and newer messages are not taken: half of what an attacker has to send one again. As the published libraries have it. */
const TOLERANCE_S = 5 * 60

/** What is signed. */
export interface SignedMessage {
  /** The same for each attempt; by it the receiver knows a message that came twice. No full stop in it. */
  id: string
  /** When the attempt was made, in whole seconds since 1970. */
  timestamp_s: number
  /** Byte for byte as it is sent. */
  body: string | Uint8Array
}

/** The three headers as they came; absent ones are undefined. */
export interface SignatureHeaders {
  id: string | undefined
  timestamp: string | undefined
  signature: string | undefined
}

/** Why a message is not taken. */
export type VerifyRefusal = 'header_missing' | 'bad_timestamp' | 'too_old' | 'too_new' | 'wrong_signature'

/** A new secret as it is shown: `whsec_` and base64. */
export function newWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64')
}

/** The header `webhook-signature`: a signature by each secret, spaces between. InvariantError for an empty secret and for an id or time that cannot be signed. */
export function signMessage(secrets: readonly string[], message: SignedMessage): string {
  const { id, timestamp_s } = message
  invariant(id !== '' && !id.includes('.'), 'a message to sign has an id without full stop')
  invariant(Number.isSafeInteger(timestamp_s) && timestamp_s >= 0, 'a message to sign has a time in whole seconds')
  return secrets.map((secret) => `v1,${macOf(secret, id, String(timestamp_s), message.body)}`).join(' ')
}

/**
 * Whether a message comes from who has one of the secrets, and just now (5 minutes either way, by `now_s`): undefined if so, else why not.
 * Signatures of versions other than v1 are passed over. InvariantError for an empty secret.
 */
export function verifyMessage(
  secrets: readonly string[],
  headers: SignatureHeaders,
  body: string | Uint8Array,
  now_s: number,
): VerifyRefusal | undefined {
  const { id, timestamp, signature } = headers
  if (!id || !timestamp || !signature) return 'header_missing'
  // Whole seconds and nothing beside: what a lenient reader takes for a number is not what was signed.
  if (!/^\d{1,12}$/.test(timestamp)) return 'bad_timestamp'
  const age_s = now_s - Number(timestamp)
  if (age_s > TOLERANCE_S) return 'too_old'
  if (age_s < -TOLERANCE_S) return 'too_new'
  const expected = secrets.map((secret) => Buffer.from(macOf(secret, id, timestamp, body)))
  const given = signature.split(' ').flatMap((each) => (each.startsWith('v1,') ? [Buffer.from(each.slice(3))] : []))
  const holds = given.some((mac) => expected.some((each) => each.length === mac.length && timingSafeEqual(each, mac)))
  return holds ? undefined : 'wrong_signature'
}

function macOf(secret: string, id: string, timestamp: string, body: string | Uint8Array): string {
  return createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest('base64')
}

/** With or without the prefix; padding may be missing. A KeyObject, for with bytes Node takes three times as long. */
function keyOf(secret: string): KeyObject {
  const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, 'base64')
  invariant(key.length > 0, 'the secret of a webhook is empty')
  return createSecretKey(key)
}
