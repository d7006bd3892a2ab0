import { hash } from 'node:crypto'
import { newSecret } from '#server/kit/id.ts'

/** 32 random bytes are beyond guessing; the prefix tells a person, and a leak scanner, what was found. */
const KEY = /^sk_[A-Za-z0-9_-]{43}$/
const SESSION = /^ss_[A-Za-z0-9_-]{43}$/
const CHALLENGE = /^sc_[A-Za-z0-9_-]{43}$/
const DEVICE = /^sd_[A-Za-z0-9_-]{43}$/
/** `sk_` and six characters: enough to recognise, no help in guessing. */
const SHOWN = 9

/** A new API key. */
export function newApiKey(): string {
  return `sk_${newSecret()}`
}

/** A new session token. */
export function newSessionToken(): string {
  return `ss_${newSecret()}`
}

/** A new token for the second step of a sign-in. */
export function newChallengeToken(): string {
  return `sc_${newSecret()}`
}

/** A new token by which a browser is known again. */
export function newDeviceToken(): string {
  return `sd_${newSecret()}`
}

/** Whether `text` has the form of an API key; what has not is refused without a look into the database. */
export function isApiKey(text: string): boolean {
  return KEY.test(text)
}

/** Whether `text` has the form of a session token. */
export function isSessionToken(text: string): boolean {
  return SESSION.test(text)
}

/** Whether `text` has the form of a token for the second step of a sign-in. */
export function isChallengeToken(text: string): boolean {
  return CHALLENGE.test(text)
}

/** Whether `text` has the form of a token by which a browser is known again. */
export function isDeviceToken(text: string): boolean {
  return DEVICE.test(text)
}

/** The part of a key that may be shown. */
export function shownPart(key: string): string {
  return key.slice(0, SHOWN)
}

/** SHA-256 in hex. No salt and no work factor: the secret is random, not chosen. */
export function digestOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}
