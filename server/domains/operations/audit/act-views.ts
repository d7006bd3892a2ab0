import { z } from 'zod'
import type { RecordedAct } from '#server/domains/audit/search-acts.ts'

/** An act as staff see it. */
export const actShape = z.object({
  id: z.string().meta({ example: '4711' }),
  number: z
    .string()
    .nullable()
    .meta({ description: 'Its number in the sealed chain; null for the moment until it is sealed.', example: '4710' }),
  at: z.string().meta({ example: '2026-11-24T10:00:00.123456+00:00' }),
  action: z.string().meta({ example: 'users.blocked' }),
  actor: z.object({
    kind: z.enum(['user', 'system', 'command']),
    user_id: z.string().nullable().meta({ example: '7' }),
    via: z.enum(['session', 'key']).nullable(),
    key_id: z.string().nullable(),
    ip: z.string().nullable().meta({ example: '192.0.2.7' }),
    request_id: z.string().nullable(),
    user_agent: z.string().nullable(),
  }),
  subject: z
    .object({ kind: z.string(), id: z.string() })
    .nullable()
    .meta({ example: { kind: 'user', id: '17' } }),
  before: z.unknown().meta({ example: { state: 'active' } }),
  after: z.unknown().meta({ example: { state: 'blocked' } }),
  reason: z.string().nullable(),
})

/** Renders an act. */
export function actView(act: RecordedAct): z.output<typeof actShape> {
  const {
    id,
    number,
    at,
    action,
    actor_kind,
    user_id,
    via,
    key_id,
    ip,
    request_id,
    user_agent,
    before,
    after,
    reason,
  } = act
  return {
    id: String(id),
    number: textOf(number),
    at,
    action,
    actor: { kind: actor_kind, user_id: textOf(user_id), via, key_id: textOf(key_id), ip, request_id, user_agent },
    subject:
      act.subject_kind === null || act.subject_id === null ? null : { kind: act.subject_kind, id: act.subject_id },
    before,
    after,
    reason,
  }
}

/** The columns of the export. */
export const CSV_HEADER =
  'id,number,at,action,actor,user_id,via,key_id,ip,request_id,user_agent,subject,subject_id,before,after,reason'.split(
    ',',
  )

/** An act as a line of the export. */
export function actCells(act: RecordedAct): (string | null)[] {
  return [
    String(act.id),
    textOf(act.number),
    act.at,
    act.action,
    act.actor_kind,
    textOf(act.user_id),
    act.via,
    textOf(act.key_id),
    act.ip,
    act.request_id,
    act.user_agent,
    act.subject_kind,
    act.subject_id,
    act.before === null ? null : JSON.stringify(act.before),
    act.after === null ? null : JSON.stringify(act.after),
    act.reason,
  ]
}

function textOf(value: bigint | null): string | null {
  return value === null ? null : String(value)
}
