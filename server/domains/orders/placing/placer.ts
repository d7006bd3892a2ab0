import type { Principal } from '#server/domains/identity/principal.ts'

/** Who places an order. */
export interface Placer {
  customer_id: bigint
  /** With which API key; absent for a session. */
  key_id?: bigint | undefined
  /** The first of the line of rotations that the key is in. */
  first_key_id?: bigint | undefined
}

/** The caller, as one who places orders. */
export function placerOf({ user_id, key_id, first_key_id }: Principal): Placer {
  return { customer_id: user_id, key_id, first_key_id }
}
