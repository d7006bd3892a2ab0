import { randomBytes, randomUUID } from 'node:crypto'

/** A random UUID, version 4. */
export function newUuid(): string {
  return randomUUID()
}

/** A UUID, version 7: those of later milliseconds are greater, the rest is random. For rows that are read by age. */
export function newTimedUuid(now: Date): string {
  return `${timeOf(now)}-7${randomUUID().slice(15)}`
}

/** The UUID that no `newTimedUuid` of this time or later is below. */
export function timedUuidFloor(time: Date): string {
  return `${timeOf(time)}-7000-8000-000000000000`
}

/** A number from 0 to below 1, by chance; no secret is made of it. */
export function chance(): number {
  return Math.random()
}

function timeOf(time: Date): string {
  const hex = Math.max(0, time.getTime()).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}`
}

/** An opaque secret of `bytes` random bytes in base64url; 32 bytes make 43 characters. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
