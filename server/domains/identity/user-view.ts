import { z } from 'zod'
import { LOCALES, type User } from './user.ts'

/** A user as the doors show it. */
export const userShape = z.object({
  id: z.string().meta({ example: '7' }),
  email: z.string().meta({ example: 'ada@example.com' }),
  name: z.string().meta({ example: 'Ada' }),
  role: z.string().meta({ example: 'customer' }),
  locale: z.enum(LOCALES),
  created_at: z.iso.datetime(),
})

/** A user as `userShape` has it. */
export function userView(user: User): z.output<typeof userShape> {
  const { id, email, name, role, locale, created_at } = user
  return { id: id.toString(), email, name, role, locale, created_at: created_at.toISOString() }
}
