import type { Service } from '#server/domains/catalog/service.ts'
import { int8Array, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { OrderRefusal } from '../errors.ts'

/** An order that is about to be placed. */
interface Wanted {
  service: Pick<Service, 'id' | 'duplicate_links'>
  checked: { link: string }
}

// Two batches that want one link take turns, whoever their customers are. Behind the wallets, which one statement locks for all: nobody who has a link waits for a wallet.
const lockLinks = statement(`
  select pg_advisory_xact_lock(7252044, key)
  from (select distinct hashtext(wanted.service_id || ' ' || wanted.link) as key
    from unnest($1::bigint[], $2::text[]) as wanted (service_id, link) order by key) as sorted`)

const underWay = statement(`
  select distinct wanted.service_id, wanted.link
  from unnest($1::bigint[], $2::text[]) as wanted (service_id, link)
  join orders.orders o on o.service_id = wanted.service_id and md5(o.link) = md5(wanted.link)
  where o.sole_link and o.state not in ('completed', 'partial', 'cancelled')`)

/**
 * The links that orders under way have for themselves, for services that refuse the same link twice, and those that this batch gives away. A link is what the customer
 * wrote: two spellings of one address are two. Orders placed before the service had the rule do not count.
 */
export class SoleLinks {
  readonly #taken = new Set<string>()

  /** Locks the links that the batch wants for themselves and reads which are taken. As cheap as nothing where no service wants it. */
  async read(tx: Tx, wanted: readonly Wanted[]): Promise<void> {
    const sole = wanted.filter(isSole)
    if (sole.length === 0) return
    const values = [
      int8Array(sole.map(({ service }) => service.id)),
      textArray(sole.map(({ checked }) => checked.link)),
    ]
    await tx.query(lockLinks, values)
    // A statement of its own: it sees what those committed who had the locks before.
    const rows = await tx.query<{ service_id: bigint; link: string }>(underWay, values)
    for (const row of rows) this.#taken.add(keyOf(row.service_id, row.link))
  }

  /** Why an order may not have its link; undefined when it may. */
  refusalOf(wanted: Wanted): OrderRefusal | undefined {
    if (!isSole(wanted) || !this.#taken.has(keyOf(wanted.service.id, wanted.checked.link))) return undefined
    const message = 'An order of this service for this link is under way; there may be another when it has ended.'
    return { code: 'link_under_way', field: 'link', message }
  }

  /** From now on the link is this order's. */
  give(wanted: Wanted): void {
    if (isSole(wanted)) this.#taken.add(keyOf(wanted.service.id, wanted.checked.link))
  }
}

/** Whether the order is to have its link for itself. */
export function isSole({ service }: Wanted): boolean {
  return service.duplicate_links === 'refuse'
}

function keyOf(service_id: bigint, link: string): string {
  return `${service_id} ${link}`
}
