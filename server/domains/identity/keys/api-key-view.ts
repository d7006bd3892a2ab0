import { z } from 'zod'
import { type ApiKey, suspensionOf } from './api-key.ts'

const suspendedShape = z
  .object({
    at: z.iso.datetime(),
    by: z.enum(['rule', 'staff']).meta({ description: 'A rule of the house, or a person of it.' }),
    reason: z.string().meta({ description: 'Which rule, or what was written.', example: 'orders' }),
    evidence: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What was found, and the most that would have been usual.', example: { found: '9120' } }),
  })
  .nullable()
  .meta({ description: 'Null: it is not. A suspended key opens nothing until it is reinstated or rotated.' })

/** A key, as doors show it. */
export const apiKeyShape = z.object({
  id: z.string().meta({ example: '12' }),
  name: z.string().meta({ example: 'my shop' }),
  prefix: z.string().meta({ example: 'sk_AbCdEf' }),
  scopes: z.array(z.string()).meta({ example: ['read', 'order'] }),
  allowed_ips: z.array(z.string()).meta({ example: ['192.0.2.0/24'] }),
  legacy_get: z.boolean().meta({ description: 'Whether the key may stand in the URL of a GET on /api/v2.' }),
  created_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable(),
  last_used_at: z.iso.datetime().nullable().meta({ description: 'To about a minute.' }),
  rotated_from: z.string().nullable().meta({ description: 'The key that this one took the place of.', example: null }),
  suspended: suspendedShape,
})

/** The key as `apiKeyShape` has it. */
export function apiKeyView(key: ApiKey): z.output<typeof apiKeyShape> {
  const suspension = suspensionOf(key)
  return {
    id: key.id.toString(),
    name: key.name,
    prefix: key.prefix,
    scopes: key.scopes,
    allowed_ips: key.allowed_ips,
    legacy_get: key.legacy_get,
    created_at: key.created_at.toISOString(),
    expires_at: key.expires_at?.toISOString() ?? null,
    last_used_at: key.last_used_at?.toISOString() ?? null,
    rotated_from: key.rotated_from?.toString() ?? null,
    suspended: suspension && { ...suspension, at: suspension.at.toISOString() },
  }
}
