import { timingSafeEqual } from 'node:crypto'
import type { Secrets } from '#server/platform/secrets/secrets.ts'

/** `ol_`, the link's number, and 256 bits that only this house can compute. */
const TOKEN = /^ol_([1-9]\d{0,17})\.([A-Za-z0-9_-]{43})$/

/** The token of a link. Always the same for one link and one master key. */
export function linkToken(secrets: Secrets, link: { id: bigint; nonce: string }): string {
  return `ol_${link.id}.${macOf(secrets, link).toString('base64url')}`
}

/** The number of the link that a token names, or undefined when it has not the form of one. Whether the token is genuine, `isTokenOf` tells. */
export function linkIdOf(token: string): bigint | undefined {
  const [, id] = TOKEN.exec(token) ?? []
  return id === undefined ? undefined : BigInt(id)
}

/** Whether `token`, which has the form of one, is the token of this link; takes the same time for each that is not. */
export function isTokenOf(secrets: Secrets, link: { id: bigint; nonce: string }, token: string): boolean {
  const given = Buffer.from(TOKEN.exec(token)?.[2] ?? '', 'base64url')
  const expected = macOf(secrets, link)
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function macOf(secrets: Secrets, link: { id: bigint; nonce: string }): Buffer {
  return secrets.mac(`${link.id}.${link.nonce}`, 'identity.one_time_link')
}
