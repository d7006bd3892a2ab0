import { statement, type Tx } from '#server/platform/db/database.ts'
import { countedNetwork } from '#server/platform/limits/network.ts'
import { digestOf, newDeviceToken } from '../token.ts'
import type { Client } from './client.ts'

/** More browsers than one person uses; clients that keep no cookies push their own older rows out. */
const DEVICES_MAX = 50
/** Not used for so long it is a stranger again; as long as browsers keep a cookie. */
export const DEVICE_TTL_MS = 400 * 24 * 60 * 60_000

/** Whether a user signed in from such a device before. */
export interface Recognised {
  /** The token that the browser has to be given; undefined where it has the right one. */
  token: string | undefined
  /** Neither this browser nor one like it in this network is known, while others are. */
  is_new: boolean
}

const SEEN = statement(`
  update identity.known_device set last_seen_at = $3, network = $4, user_agent = $5
  where user_id = $1 and token_hash = $2 returning 1 as one`)

const OTHERS = statement(`
  select count(*)::int as devices, coalesce(bool_or(network = $2 and user_agent = $3), false) as alike
  from identity.known_device where user_id = $1`)

const INSERT = statement(`
  insert into identity.known_device (user_id, token_hash, network, user_agent, first_seen_at, last_seen_at)
  values ($1, $2, $3, $4, $5, $5)`)

const FORGET_OLDEST = statement(`
  delete from identity.known_device where user_id = $1 and token_hash in (
    select token_hash from identity.known_device where user_id = $1 order by last_seen_at desc offset ${DEVICES_MAX})`)

/**
 * Remembers that `user_id` signed in from this client. A token that the browser brought and that is not this user's is never taken over: someone may have planted it.
 * The user's row is to be locked.
 */
export async function recogniseDevice(tx: Tx, user_id: bigint, client: Client, now: Date): Promise<Recognised> {
  const network = countedNetwork(client.ip)
  if (client.device !== undefined) {
    const digest = Buffer.from(client.device, 'hex')
    const seen = await tx.query(SEEN, [user_id, digest, now, network, client.user_agent])
    if (seen.length > 0) return { token: undefined, is_new: false }
  }
  const others = [user_id, network, client.user_agent]
  const [known] = await tx.query<{ devices: number; alike: boolean }>(OTHERS, others)
  const token = newDeviceToken()
  tx.send(INSERT, [user_id, Buffer.from(digestOf(token), 'hex'), network, client.user_agent, now])
  tx.send(FORGET_OLDEST, [user_id])
  return { token, is_new: known !== undefined && known.devices > 0 && !known.alike }
}
