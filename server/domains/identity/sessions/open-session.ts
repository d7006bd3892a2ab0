import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { normalAddress } from '../allowed-ips.ts'
import type { Area } from '../principal.ts'
import { tellOwner } from '../tell-owner.ts'
import { digestOf, newSessionToken } from '../token.ts'
import type { Client } from './client.ts'
import { recogniseDevice } from './known-devices.ts'

/** Two weeks: a reseller who works daily signs in twice a month; a token that leaked unseen dies by itself. */
export const SESSION_TTL_MS = 14 * 24 * 60 * 60_000
/** Beyond, the oldest session ends: a client that signs in at each call does not fill the table. */
export const SESSIONS_PER_USER_MAX = 100

/** A session that was just opened. */
export interface OpenedSession {
  /** Told this once; only its hash is stored. Never one that the client brought along. */
  token: string
  expires_at: Date
  /** The token by which the browser is known from now on; undefined where it has the right one. */
  device_token: string | undefined
}

const INSERT = statement(`
  insert into identity.session (token_hash, user_id, created_at, expires_at, last_seen_at, user_agent, ip, area)
  values ($1, $2, $3, $4, $3, $5, $6, $7) returning id`)

const END_OLDEST = statement(`
  update identity.session set ended_at = $2
  where token_hash in (
    select token_hash from identity.session
    where user_id = $1 and ended_at is null and expires_at > $2
    order by created_at desc offset ${SESSIONS_PER_USER_MAX})`)

/** Opens a session for a user whose row is locked and whose right to it has been proven. Tells the owner when the device is new. */
export async function openSession(
  tx: Tx,
  input: {
    user_id: bigint
    area: Area | undefined
    client: Client
    proven_by: 'password' | 'totp' | 'recovery_code'
    now: Date
  },
): Promise<OpenedSession> {
  const { user_id, client, now } = input
  const token = newSessionToken()
  const expires_at = new Date(now.getTime() + SESSION_TTL_MS)
  const digest = Buffer.from(digestOf(token), 'hex')
  const address = normalAddress(client.ip) ?? null
  const values = [digest, user_id, now, expires_at, client.user_agent, address, input.area ?? null]
  const [row] = await tx.query<{ id: bigint }>(INSERT, values)
  tx.send(END_OLDEST, [user_id, now])
  const device = await recogniseDevice(tx, user_id, client, now)
  const { ip, user_agent, request_id } = client
  recordActs(tx, [
    {
      action: 'sessions.started',
      actor: { kind: 'user', user_id, via: 'session', ip, user_agent, ...(request_id !== undefined && { request_id }) },
      subject: { kind: 'session', id: row?.id ?? 0n },
      after: { proven_by: input.proven_by, area: input.area ?? null, new_device: device.is_new },
    },
  ])
  if (device.is_new) tellOwner(tx, { user_id, kind: 'signed_in_from_new_device', now, by: client })
  return { token, expires_at, device_token: device.token }
}
