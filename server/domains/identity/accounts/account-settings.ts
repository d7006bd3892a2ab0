import { z } from 'zod'
import { defineSetting } from '#server/platform/settings/setting.ts'

export const registrationOpen = defineSetting({
  name: 'accounts.registration_open',
  schema: z.boolean(),
  default: true,
  description: 'Whether anyone may register as a customer. Off: accounts are made by staff alone.',
})

export const confirmationRequired = defineSetting({
  name: 'accounts.confirmation_required',
  schema: z.boolean(),
  default: true,
  description:
    'Whether who registers must confirm the e-mail address first. On: the account exists from the confirmation on. Off: it exists at once, and whoever tries to register and then to sign in can find out whether an address has an account.',
})

export const invitationDays = defineSetting({
  name: 'accounts.invitation_days',
  schema: z.int().min(1).max(30),
  default: 7,
  description:
    'How long the link works by which someone whose account staff made chooses a password. Whoever comes later asks for a new password, or for the invitation to be sent again.',
  unit: 'days',
})

export const staffTotpRequired = defineSetting({
  name: 'accounts.staff_totp_required',
  schema: z.boolean(),
  default: false,
  description:
    'Whether staff must have a second factor. On: without one a member of staff can do nothing but set it up.',
})
