import { z } from 'zod'
import { LOCALES } from '../user.ts'
import type { UserProfile } from './find-user.ts'
import type { ListedUser } from './list-users.ts'

const at = z.iso.datetime().nullable()

export const listedShape = z.object({
  id: z.string().meta({ example: '17' }),
  email: z.string().meta({ example: 'ada@example.com' }),
  name: z.string().meta({ example: 'Ada' }),
  role: z.string().meta({ example: 'customer' }),
  state: z.enum(['active', 'blocked']),
  locale: z.enum(LOCALES),
  created_at: z.iso.datetime(),
  blocked_at: at,
  last_seen_at: at.meta({ description: 'By session or key, to the minute.' }),
})

export const profileShape = listedShape.extend({
  blocked_reason: z.string().nullable(),
  granted: z.array(z.string()).meta({ description: 'On top of the role.', example: ['audit:read'] }),
  denied: z.array(z.string()).meta({ description: 'Stronger than any grant.', example: [] }),
  sessions: z.number().int().meta({ description: 'Open now.' }),
  api_keys: z.number().int().meta({ description: 'Not revoked.' }),
  invitation_expires_at: at.meta({
    description: 'Of the invitation, while no password was chosen; it may have passed. It can be sent again.',
  }),
})

/** A user in the list. */
export function listedView(user: ListedUser): z.output<typeof listedShape> {
  const { id, email, name, role, state, locale, created_at, blocked_at, last_seen_at } = user
  return {
    id: String(id),
    email,
    name,
    role,
    state,
    locale,
    created_at: created_at.toISOString(),
    blocked_at: blocked_at?.toISOString() ?? null,
    last_seen_at: last_seen_at?.toISOString() ?? null,
  }
}

/** All of a user that staff see. */
export function profileView(user: UserProfile): z.output<typeof profileShape> {
  const { blocked_reason, granted, denied, sessions, api_keys } = user
  const invitation_expires_at = user.invitation_expires_at?.toISOString() ?? null
  return { ...listedView(user), blocked_reason, granted, denied, sessions, api_keys, invitation_expires_at }
}
