import { hash, parseOptions, verify } from '@node-rs/argon2'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { BusyError } from './errors.ts'

/** OWASP's recommendation for argon2id: 19 MiB, two passes, one lane. Raise them here; stored hashes follow at the next sign-in. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const COST = { memoryCost: MEMORY_KIB, timeCost: PASSES, parallelism: LANES }

/** Two of the four threads that also serve files and DNS; so at most 38 MiB are in use, however many sign in at once. */
const AT_ONCE = 2
/** About two seconds of waiting; beyond, an answer would come too late to be of use. */
const WAITING_MAX = 64
const slots = bulkhead(AT_ONCE, WAITING_MAX)

/** Verified when the address is unknown, so that the answer takes as long as for a known one. Made of 32 random bytes that nobody kept, with the parameters above. */
export const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$3vrm/Ett/E34QKlWaCHebg$np9Y/8eaJB6D3jv+YEIZ6Lohd/3O9WKLAyLx+t2zFRI'

/** Runs `work`, which hashes or verifies, when one of the few slots is free. Throws BusyError when too many wait. */
export async function inPasswordSlot<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await slots.execute(work)
  } catch (error) {
    if (error instanceof BulkheadRejectedError) throw new BusyError()
    throw error
  }
}

/** Argon2id with today's parameters. Call it in a slot. */
export async function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFC'), COST)
}

/** Whether `password` made `stored`. Call it in a slot. */
export async function passwordMatches(stored: string, password: string): Promise<boolean> {
  return verify(stored, password.normalize('NFC'))
}

/** Whether `stored` was made with weaker parameters than today's. */
export function isOutdated(stored: string): boolean {
  const cost = parseOptions(stored)
  return cost.memoryCost < MEMORY_KIB || cost.timeCost < PASSES || cost.parallelism < LANES
}
