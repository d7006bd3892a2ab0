import { defineEvent } from '#server/platform/outbox/event.ts'
import type { Locale } from './user.ts'

/** What a link that works once is for. The two of an e-mail change go to the two addresses; both must be opened. */
export const LINK_PURPOSES = [
  'confirm_email',
  'reset_password',
  'confirm_new_email',
  'confirm_old_email',
  'accept_invitation',
] as const
export type LinkPurpose = (typeof LINK_PURPOSES)[number]

/** Someone asked for a link and is to get it by mail. The link itself is in no event: `oneTimeLink` tells it when the mail is written. */
export interface LinkAsked {
  link_id: bigint
  /** Null for a registration that is not confirmed: it is no user yet. */
  user_id: bigint | null
  purpose: LinkPurpose
  /** Where the link goes. */
  email: string
  locale: Locale
}

/** A link is to be mailed. */
export const linkAsked = defineEvent<LinkAsked>('identity.link_asked', ({ link_id }) => `link:${link_id}`)

/** What happened to an account that its owner should know of, in case it was not the owner. */
export const SECURITY_NOTICE_KINDS = [
  'signed_in_from_new_device',
  'password_changed',
  /** Goes to the address before. */
  'email_changed',
  'totp_enabled',
  'totp_disabled',
  'recovery_code_used',
  'recovery_codes_renewed',
  'api_key_created',
  'api_key_rotated',
  'api_key_reinstated',
  'blocked',
  'unblocked',
  /** Someone, perhaps the owner, tried to register with, or change to, the address of this account. */
  'address_already_registered',
] as const
export type SecurityNoticeKind = (typeof SECURITY_NOTICE_KINDS)[number]

export interface SecurityNotice {
  user_id: bigint
  kind: SecurityNoticeKind
  /** ISO 8601. */
  at: string
  /** Where to write, when that is not the user's address of today. */
  email?: string
  ip?: string
  /** As the client names itself; up to 200 characters, to be escaped wherever it is shown. */
  user_agent?: string
}

/** A user is to be told of something that concerns the safety of the account. */
export const securityNotice = defineEvent<SecurityNotice>(
  'identity.security_notice',
  ({ user_id }) => `user:${user_id}`,
)

/** Whether a key is suspended. */
export interface ApiKeySuspension {
  key_id: bigint
  user_id: bigint
  name: string
  prefix: string
  /** Why, for people to read. Null: it is no longer, be it reinstated, rotated or revoked. */
  suspended: { by: 'rule' | 'staff'; reason: string } | null
  /** ISO 8601. */
  at: string
}

/** A key was suspended, or is so no longer. */
export const apiKeySuspension = defineEvent<ApiKeySuspension>(
  'identity.api_key_suspension',
  ({ key_id }) => `api_key:${key_id}`,
)
