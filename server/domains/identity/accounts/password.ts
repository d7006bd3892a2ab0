import { hash, parseOptions, verify } from '@node-rs/argon2'
import { BulkheadRejectedError, bulkhead } from 'cockatiel'
import { z } from 'zod'
import { newSecret } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { BusyError } from '../errors.ts'

/** The least is OWASP's recommendation for argon2id; the most still answers within seconds, with half a gigabyte for the two that run at once. */
export const passwordCost = defineSetting({
  name: 'accounts.password_cost',
  schema: z.strictObject({
    memory_kib: z.number().int().min(19_456).max(262_144),
    passes: z.number().int().min(2).max(10),
    lanes: z.number().int().min(1).max(4),
  }),
  default: { memory_kib: 19_456, passes: 2, lanes: 1 },
  description:
    'How hard it is to compute the hash of a password (argon2id). More makes guessing dearer for whoever steals the table, and each sign-in slower. Stored hashes follow as their owners sign in.',
})

/** Two of the four threads that also serve files and DNS; so the memory of two hashes is in use at the most, however many sign in at once. */
const AT_ONCE = 2
/** About two seconds of waiting; beyond, an answer would come too late to be of use. */
const WAITING_MAX = 64
const slots = bulkhead(AT_ONCE, WAITING_MAX)

/** Runs `work`, which hashes or verifies, when one of the few slots is free. Throws BusyError when too many wait. */
export async function inPasswordSlot<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await slots.execute(work)
  } catch (error) {
    if (error instanceof BulkheadRejectedError) throw new BusyError()
    throw error
  }
}

/** Argon2id with today's cost. Call it in a slot. */
export async function hashPassword(app: Pick<App, 'settings'>, password: string): Promise<string> {
  const { memory_kib, passes, lanes } = app.settings.read(passwordCost)
  return hash(password.normalize('NFC'), { memoryCost: memory_kib, timeCost: passes, parallelism: lanes })
}

/** Whether `password` made `stored`. Call it in a slot. */
export async function passwordMatches(stored: string, password: string): Promise<boolean> {
  return verify(stored, password.normalize('NFC'))
}

/** Whether `stored` was made with less cost than today's. */
export function isOutdated(app: Pick<App, 'settings'>, stored: string): boolean {
  const cost = parseOptions(stored)
  const today = app.settings.read(passwordCost)
  return cost.memoryCost < today.memory_kib || cost.timeCost < today.passes || cost.parallelism < today.lanes
}

/** The costs of all stored hashes, as they are written there, in a column `costs`. Few statements of an index, however many users there are. */
export const COSTS_IN_USE = `
  with recursive cost (text) as (
    (select split_part(password_hash, '$', 4) from identity.user order by 1 limit 1)
    union all
    select (
      select split_part(password_hash, '$', 4) from identity.user
      where split_part(password_hash, '$', 4) > cost.text order by 1 limit 1
    ) from cost where cost.text is not null
  )
  select coalesce(array_agg(text), '{}') as costs from cost where text is not null`

/**
 * Whether `password` made `stored`, where the work must not tell whether there is a `stored`: one hash of each cost in use is verified, the stored one or one that
 * nobody has a password for. Call it in a slot.
 */
export async function passwordMatchesAlike(
  stored: string | undefined,
  password: string,
  costs: readonly string[],
): Promise<boolean> {
  let matches = false
  for (const cost of costs.length === 0 ? [COST_OF_NONE] : costs) {
    const nobodys = await nobodysHash(cost)
    const isStored = stored?.split('$')[3] === cost
    const same = await passwordMatches(isStored ? stored : nobodys, password)
    matches ||= isStored && same
  }
  return matches
}

const COST_OF_NONE = 'm=19456,t=2,p=1'

/** Made of random bytes that nobody keeps, once a process and cost. */
const nobodys_hashes = new Map<string, Promise<string>>()

function nobodysHash(cost: string): Promise<string> {
  const known = nobodys_hashes.get(cost)
  if (known) return known
  const { memoryCost, timeCost, parallelism } = parseOptions(`$argon2id$v=19$${cost}$${SOME_SALT_AND_SUM}`)
  const made = hash(newSecret(), { memoryCost, timeCost, parallelism })
  nobodys_hashes.set(cost, made)
  return made
}

/** Only to complete the text that is parsed. */
const SOME_SALT_AND_SUM = 'c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
