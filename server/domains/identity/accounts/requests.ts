import { defineEvent } from '#server/platform/outbox/event.ts'

/**
 * What was asked at a public door. It is answered later and elsewhere, so that neither the answer nor the time it takes tells whether an address is known: the
 * door does the same work for each.
 */

/** Someone registered, or asks for the mail of a registration again. */
export interface ConfirmationAsked {
  registration_id: bigint
}

export const confirmationAsked = defineEvent<ConfirmationAsked>(
  'identity.confirmation_asked',
  ({ registration_id }) => `registration:${registration_id}`,
)

/** Someone has forgotten a password. */
export interface ResetAsked {
  email: string
  ip: string
  user_agent: string
}

export const resetAsked = defineEvent<ResetAsked>('identity.reset_asked')

/** A signed-in user wants another address. */
export interface EmailChangeAsked {
  email_change_id: bigint
}

export const emailChangeAsked = defineEvent<EmailChangeAsked>(
  'identity.email_change_asked',
  ({ email_change_id }) => `email_change:${email_change_id}`,
)
