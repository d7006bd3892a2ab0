import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Strategy } from './source.ts'

/** A row of the catalogue as a source, and the end of its quarantine, if it is in one. */
export interface LockedSource {
  name: string
  provider: string
  /** How one of its own sources is chosen. */
  strategy: Strategy
  until: Date | null
}

// Of the service's row only who changes its sources or its quarantine waits; orders read it from memory.
const lock = statement('select from catalog.service where id = $1 for no key update')

// By itself, behind the lock: whoever waited for that must see what the other has done.
const read = statement(`
  select s.name, p.name as provider, s.strategy, q.until
  from catalog.service s join providers.provider p on p.id = s.provider_id
  left join catalog.quarantine q on q.service_id = s.id and q.released_at is null
  where s.id = $1`)

/** Locks a row of the catalogue against others who change its sources or its quarantine; undefined when there is none. */
export async function lockSource(tx: Tx, service_id: bigint): Promise<LockedSource | undefined> {
  await tx.query(lock, [service_id])
  const [row] = await tx.query<LockedSource>(read, [service_id])
  return row
}
