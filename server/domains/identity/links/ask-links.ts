import { newSecret } from '#server/kit/id.ts'
import { invariant } from '#server/kit/invariant.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type LinkPurpose, linkAsked } from '../events.ts'
import type { Locale } from '../user.ts'

const HOUR_MS = 60 * 60_000

/** How long a link works. A new password is asked for at the desk; an address may be confirmed the day after tomorrow. */
export const LINK_TTL_MS = {
  confirm_email: 48 * HOUR_MS,
  reset_password: HOUR_MS,
  confirm_new_email: 24 * HOUR_MS,
  confirm_old_email: 24 * HOUR_MS,
} as const satisfies Partial<Record<LinkPurpose, number>>

/** What a link is for, and how long it works where that is not the same for all. */
type Purposed = { purpose: keyof typeof LINK_TTL_MS } | { purpose: 'accept_invitation'; ttl_ms: number }

export type AskLink = Purposed & {
  /** Where it is sent. */
  email: string
  locale: Locale
  /** Whose it is: a user, or a registration that is not yet one. */
  user_id: bigint | null
  registration_id?: bigint
  /** Of the two links of a change of address. */
  email_change_id?: bigint
}

const INSERT = statement(`
  insert into identity.one_time_link
    (purpose, user_id, registration_id, email_change_id, email, locale, nonce, created_at, expires_at)
  select purpose, user_id, registration_id, email_change_id, email, locale, nonce, $8, $8::timestamptz + ttl_ms * interval '1 ms'
  from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $9::bigint[])
    as asked (purpose, user_id, registration_id, email_change_id, email, locale, nonce, ttl_ms)
  returning id, user_id, purpose, email, locale`)

interface Made {
  id: bigint
  user_id: bigint | null
  purpose: LinkPurpose
  email: string
  locale: Locale
}

/** Makes links that work once and tells, by `linkAsked`, that each is to be mailed. No token is made here. */
export async function askLinks(tx: Tx, now: Date, asked: readonly AskLink[]): Promise<void> {
  if (asked.length === 0) return
  const made = await tx.query<Made>(INSERT, [
    textArray(asked.map((each) => each.purpose)),
    plainArray(asked.map((each) => each.user_id)),
    plainArray(asked.map((each) => each.registration_id)),
    plainArray(asked.map((each) => each.email_change_id)),
    textArray(asked.map((each) => each.email)),
    textArray(asked.map((each) => each.locale)),
    textArray(asked.map(() => newSecret(16))),
    now,
    plainArray(asked.map((each) => ('ttl_ms' in each ? each.ttl_ms : LINK_TTL_MS[each.purpose]))),
  ])
  invariant(made.length === asked.length, 'a link was asked for and not made')
  emit(
    tx,
    linkAsked,
    made.map(({ id, ...told }) => ({ link_id: id, ...told })),
  )
}
