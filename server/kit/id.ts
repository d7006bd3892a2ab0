import { randomBytes, randomUUID } from 'node:crypto'

/** A random UUID, version 4. */
export function newUuid(): string {
  return randomUUID()
}

/** An opaque secret of `bytes` random bytes in base64url; 32 bytes make 43 characters. */
export function newSecret(bytes = 32): string {
  return randomBytes(bytes).toString('base64url')
}
