import { z } from 'zod'
import { type DeadLetter, LETTER_KINDS, LETTER_STATES } from '#server/platform/jobs/dead-letters.ts'
import { maskJson } from '#server/platform/telemetry/mask-json.ts'
import { maskText } from '#server/platform/telemetry/mask-text.ts'
import { maskSecretValues } from '#server/platform/telemetry/secret-values.ts'

/** A dead letter in a list. */
export const letterShape = z.object({
  id: z.string().meta({ example: '17' }),
  kind: z.enum(LETTER_KINDS),
  name: z.string().meta({ description: 'Name of the job, or type of the event.', example: 'orders.placed' }),
  subject: z.string().meta({ description: 'Of an event: what it happened to.', example: 'order:7' }),
  error: z.string().meta({ description: 'Why the last try failed; secrets masked.' }),
  attempts: z.int(),
  first_at: z.iso.datetime().meta({ description: 'When it came into the queue.' }),
  last_at: z.iso.datetime().meta({ description: 'When it was given up.' }),
  state: z.enum(LETTER_STATES),
  settled_at: z.iso.datetime().nullable(),
  settled_by: z.string().nullable().meta({ example: 'user:7' }),
  settled_reason: z.string().nullable(),
})

/** A dead letter with what is in it. */
export const openLetterShape = letterShape.extend({
  payload: z.unknown().meta({ description: 'Secrets masked; null where there is none.', example: { order_id: '7' } }),
  correlation: z
    .record(z.string(), z.string())
    .meta({ description: 'What to look for in the logs.', example: { job_id: 'job_12' } }),
})

/** See letterShape. */
export function letterView(letter: DeadLetter): z.output<typeof letterShape> {
  const { id, kind, name, subject, attempts, state, settled_by, settled_reason } = letter
  return {
    id: String(id),
    kind,
    name,
    subject: maskSecretValues(subject),
    error: maskText(letter.error),
    attempts,
    first_at: letter.first_at.toISOString(),
    last_at: letter.last_at.toISOString(),
    state,
    settled_at: letter.settled_at?.toISOString() ?? null,
    settled_by,
    settled_reason,
  }
}

/** See openLetterShape. */
export function openLetterView(letter: DeadLetter): z.output<typeof openLetterShape> {
  const { payload, correlation } = letter
  return {
    ...letterView(letter),
    payload: maskJson(payload) ?? null,
    correlation: maskJson(correlation) as Record<string, string>,
  }
}
