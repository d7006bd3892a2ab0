import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import {
  DEAD_LETTERS_MAX,
  type DeadLetter,
  findDeadLetter,
  LETTER_KINDS,
  LETTER_STATES,
  listDeadLetters,
} from '#server/platform/jobs/dead-letters.ts'
import { type QueueReporter, reportQueues } from '#server/platform/queues/queue.ts'
import { DeadLetterNotFoundError } from './errors.ts'
import { letterShape, letterView, openLetterShape, openLetterView } from './letter-views.ts'
import { queueShape, queueViews } from './queue-views.ts'
import { REASON_MAX, type Settlement, settleDeadLetter, settleMatchingDeadLetters } from './settle-dead-letters.ts'

const tags = ['queues']

const PAGE_MAX = 100
const PAGE_DEFAULT = 20

/** Newest first: a page begins below the letter that ended the one before. */
const cursor = keysetCursor({ id: 'bigint' })

const letterId = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d{0,17}$/, 'must be the number of a letter')
    .meta({ example: '17' }),
})

const moment = z.iso.datetime({ offset: true })

const conditions = {
  kind: z.enum(LETTER_KINDS).optional(),
  name: z.string().min(1).max(128).optional().meta({ description: 'Name of the job, or type of the event.' }),
  error: z.string().min(1).max(200).optional().meta({ description: 'A part of the error, in the same case.' }),
  since: moment.optional().meta({ description: 'Given up at this moment or later.' }),
  until: moment.optional().meta({ description: 'Given up before this.' }),
}

const reason = z.string().trim().min(1).max(REASON_MAX).meta({ example: 'The bank was down; it is back.' })

/** The queues of the house and what was given up in them, for staff. Register it under a scope that `guardRoutes` guards. */
export function queueRoutes(app: App, reporters: readonly QueueReporter[]): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app, reporters))
    await server.register(settlingRoutes(app))
    await server.register(sweepingRoutes(app))
  }
}

function readingRoutes(app: App, reporters: readonly QueueReporter[]): FastifyPluginAsyncZod {
  const permission = 'queues:read'
  return async (server) => {
    server.get(
      '/api/admin/queues',
      {
        config: { permission },
        schema: {
          summary: 'How full the queues are',
          description:
            'Orders to be sent and followed, jobs by kind, events by type: how many in which state, and how long the oldest has waited. The same is in `/metrics` as `saldo_queue_depth` and `saldo_queue_oldest_seconds`. Beyond 100,000 orders of a state are not counted on.',
          tags,
          response: { 200: z.object({ data: z.array(queueShape), at: z.iso.datetime() }) },
        },
      },
      async () => {
        const figures = await reportQueues(app.db, reporters)
        const now = app.clock.now()
        return { data: queueViews(figures, now), at: now.toISOString() }
      },
    )

    server.get(
      '/api/admin/queues/dead-letters',
      {
        config: { permission },
        schema: {
          summary: 'List what was given up',
          description: 'Jobs and events whose last try failed, newest first. Settled ones stay for a quarter.',
          tags,
          querystring: z.object({
            ...conditions,
            state: z.enum(LETTER_STATES).optional(),
            limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
            cursor: z
              .string()
              .optional()
              .meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
          }),
          response: { 200: z.object({ data: z.array(letterShape), next_cursor: z.string().nullable() }) },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given, state, ...filter } = request.query
        const before = given === undefined ? undefined : cursor.decode(given).id
        const found = await listDeadLetters(app.db, { ...meant(filter), state, before, limit: limit + 1 })
        const page = found.slice(0, limit)
        return { data: page.map(letterView), ...cursor.next(request, reply, page, found.length > limit) }
      },
    )

    server.get(
      '/api/admin/queues/dead-letters/:id',
      {
        config: { permission },
        schema: { summary: 'A dead letter, opened', tags, params: letterId, response: { 200: openLetterShape } },
      },
      async (request) => openLetterView(await oneLetter(app, BigInt(request.params.id))),
    )
  }
}

function settlingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'queues:manage', idempotent: 'a letter is settled once: the second finds it settled' }
  const response = { 200: openLetterShape }
  return async (server) => {
    server.post(
      '/api/admin/queues/dead-letters/:id/replay',
      {
        config,
        schema: {
          summary: 'Put a dead letter back into its queue',
          description: 'With all its tries. Once only: 409 `dead_letter_settled` for whoever comes second.',
          tags,
          params: letterId,
          body: z.strictObject({ reason: reason.optional() }).nullish(),
          response,
        },
      },
      async (request) => {
        const id = BigInt(request.params.id)
        await settleDeadLetter(app, id, { how: 'replay', actor: actorOf(request), reason: request.body?.reason })
        return openLetterView(await oneLetter(app, id))
      },
    )

    server.post(
      '/api/admin/queues/dead-letters/:id/drop',
      {
        config,
        schema: {
          summary: 'Give a dead letter up for good',
          tags,
          params: letterId,
          body: z.strictObject({ reason }),
          response,
        },
      },
      async (request) => {
        const id = BigInt(request.params.id)
        await settleDeadLetter(app, id, { how: 'drop', actor: actorOf(request), reason: request.body.reason })
        return openLetterView(await oneLetter(app, id))
      },
    )
  }
}

const which = z
  .strictObject({ ...conditions, limit: z.int().min(1).max(DEAD_LETTERS_MAX).default(DEAD_LETTERS_MAX) })
  .refine(({ limit, ...filter }) => Object.values(filter).some((each) => each !== undefined), {
    message: `must name at least one of ${Object.keys(conditions).join(', ')}`,
  })
  .meta({ example: { name: 'webhooks.deliver', limit: 100 } })

const settledShape = z.object({
  data: z.array(letterShape.pick({ id: true, kind: true, name: true })),
  has_more: z.boolean().meta({ description: 'Whether more that is meant still waits: ask again.' }),
})

function sweepingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'queues:manage', idempotent: 'a letter is settled once: the second finds it settled' }
  const response = { 200: settledShape }
  return async (server) => {
    server.post(
      '/api/admin/queues/dead-letters/replay',
      {
        config,
        schema: {
          summary: 'Put many dead letters back',
          description: `The waiting ones for which all conditions hold, oldest first, up to ${DEAD_LETTERS_MAX} at once.`,
          tags,
          body: z.strictObject({ which, reason: reason.optional() }),
          response,
        },
      },
      (request) =>
        settleMany(app, request.body.which, { how: 'replay', actor: actorOf(request), reason: request.body.reason }),
    )

    server.post(
      '/api/admin/queues/dead-letters/drop',
      {
        config,
        schema: {
          summary: 'Give many dead letters up for good',
          description: `The waiting ones for which all conditions hold, oldest first, up to ${DEAD_LETTERS_MAX} at once.`,
          tags,
          body: z.strictObject({ which, reason }),
          response,
        },
      },
      (request) =>
        settleMany(app, request.body.which, { how: 'drop', actor: actorOf(request), reason: request.body.reason }),
    )
  }
}

async function settleMany(app: App, { limit, ...filter }: z.output<typeof which>, settlement: Settlement) {
  const { settled, has_more } = await settleMatchingDeadLetters(app, meant(filter), limit, settlement)
  return { data: settled.map(({ id, kind, name }) => ({ id: String(id), kind, name })), has_more }
}

type Conditions = { [N in keyof typeof conditions]?: z.output<(typeof conditions)[N]> | undefined }

function meant({ since, until, ...filter }: Conditions) {
  return { ...filter, since: since ? new Date(since) : undefined, until: until ? new Date(until) : undefined }
}

async function oneLetter(app: App, id: bigint): Promise<DeadLetter> {
  const letter = await findDeadLetter(app.db, id)
  if (!letter) throw new DeadLetterNotFoundError()
  return letter
}
