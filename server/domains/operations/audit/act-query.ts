import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { type ActFilter, wordsOf } from '#server/domains/audit/search-acts.ts'

const id = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number such as 17')
const moment = z.iso.datetime({ offset: true })

/** What acts are looked for by, as it stands in a query. */
export const actQuery = z.object({
  user: id.optional().meta({ description: 'Who did it: the number of a user.' }),
  actor: z.enum(['user', 'system', 'command']).optional().meta({ description: 'What kind of actor did it.' }),
  key: id.optional().meta({ description: 'The API key that it was done with.' }),
  action: z
    .string()
    .max(80)
    .regex(
      /^[a-z][a-z0-9_.-]*\*?$/,
      'must be an action such as users.blocked, or its beginning with *, such as users.*',
    )
    .optional()
    .meta({ description: 'What was done; `users.*` for all that begin like it.', example: 'users.*' }),
  subject: z
    .string()
    .max(241)
    .regex(/^[a-z][a-z0-9_-]{0,39}(:.{1,200})?$/, 'must be a kind and an id, such as user:17')
    .optional()
    .meta({ description: 'What it was done to: a kind, or a kind and an id.', example: 'user:17' }),
  ip: z
    .string()
    .refine(isNetwork, 'must be an address or a network, such as 192.0.2.7 or 192.0.2.0/24')
    .optional()
    .meta({ example: '192.0.2.0/24' }),
  request: z.string().min(1).max(100).optional().meta({ description: 'The id of the request.' }),
  reason: z
    .string()
    .max(200)
    .refine((text) => wordsOf(text).length > 0 && wordsOf(text).length <= 10, 'must have 1 to 10 words')
    .optional()
    .meta({ description: 'Words, or beginnings of words, of the reason.' }),
  from: moment.optional().meta({ description: 'Not before this.' }),
  to: moment.optional().meta({ description: 'Before this.' }),
})

function isNetwork(text: string): boolean {
  const [address = '', bits] = text.split('/')
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !(address.includes(':') && ipaddr.IPv6.isValid(address)))
    return false
  if (address.includes('%')) return false
  return bits === undefined || ipaddr.isValidCIDR(text)
}

/** The filter that a query means. */
export function actFilter(query: z.output<typeof actQuery>): ActFilter {
  const { user, actor, key, action, subject, ip, request, reason, from, to } = query
  const [subject_kind, ...subject_id] = subject?.split(':') ?? []
  return {
    ...(user !== undefined && { user_id: BigInt(user) }),
    ...(actor !== undefined && { actor_kind: actor }),
    ...(key !== undefined && { key_id: BigInt(key) }),
    ...(action !== undefined && { action }),
    ...(subject_kind !== undefined && { subject_kind }),
    ...(subject_id.length > 0 && { subject_id: subject_id.join(':') }),
    ...(ip !== undefined && { ip }),
    ...(request !== undefined && { request_id: request }),
    ...(reason !== undefined && { reason }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  }
}
