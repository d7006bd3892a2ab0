import type { ProviderService } from '#server/domains/providers/provider.ts'
import { present } from '#server/kit/invariant.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { OfferNotFoundError } from '../errors.ts'
import type { Offer } from '../plan-import.ts'

/** Long enough to choose, short enough that prices are still what they were. */
const KEPT_MS = 3_600_000

/** A list of ten thousand services takes a megabyte or two. */
const KEPT_MAX = 5

/** A provider's list as it was told, kept for those who choose from it. */
export interface KeptOffer extends Offer {
  id: bigint
  provider_id: bigint
  asked_at: Date
  expires_at: Date
}

/** JSON knows neither whole numbers of this size nor undefined. */
type StoredService = Omit<ProviderService, 'rate' | 'min' | 'max'> & Record<'rate' | 'min' | 'max', string>

type StoredOffer = Omit<KeptOffer, 'services'> & { services: readonly StoredService[] }

const insert = statement(`
  insert into catalog.offer (provider_id, asked_at, expires_at, user_id, unreadable, listed, services)
  values ($1, $2, $3, $4, $5, $6, $7) returning id`)
const expired = statement('delete from catalog.offer where expires_at <= $1')
const surplus = statement(`
  delete from catalog.offer where provider_id = $1 and id not in (
    select id from catalog.offer where provider_id = $1 order by id desc limit ${KEPT_MAX})`)

/** Keeps a list for an hour; of a provider's the latest few. */
export async function keepOffer(
  tx: Tx,
  {
    provider_id,
    offer,
    asked_at,
    user_id,
  }: { provider_id: bigint; offer: Offer; asked_at: Date; user_id: bigint | null },
): Promise<KeptOffer> {
  const expires_at = new Date(asked_at.getTime() + KEPT_MS)
  const services = JSON.stringify(offer.services, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const values = [provider_id, asked_at, expires_at, user_id, offer.unreadable, offer.services.length, services]
  const [row] = await tx.query<{ id: bigint }>(insert, values)
  tx.send(surplus, [provider_id])
  return { ...offer, id: present(row, 'a kept list has a number').id, provider_id, asked_at, expires_at }
}

/** Forgets lists that nobody may choose from any more. */
export async function forgetOffers(db: Pick<Db, 'query'>, now: Date): Promise<void> {
  await db.query(expired, [now])
}

const byId = statement(`
  select id, provider_id, asked_at, expires_at, unreadable, services from catalog.offer
  where id = $1 and provider_id = $2 and expires_at > $3`)

/** A kept list of a provider. Throws OfferNotFoundError when there is none, or it has been kept for long enough. */
export async function findOffer(
  db: Pick<Db, 'query'>,
  { id, provider_id, now }: { id: bigint; provider_id: bigint; now: Date },
): Promise<KeptOffer> {
  const [row] = await db.query<StoredOffer>(byId, [id, provider_id, now])
  if (!row) throw new OfferNotFoundError()
  return { ...row, services: row.services.map(asTold) }
}

function asTold({ rate, min, max, ...rest }: StoredService): ProviderService {
  return { ...rest, rate: BigInt(rate), min: BigInt(min), max: BigInt(max) }
}
