import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { UserNotFoundError } from '#server/domains/identity/errors.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import type { Principal } from '#server/domains/identity/principal.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { CHANNELS, choicesFor, FREQUENCIES, TOPIC_NAMES, TOPICS, type Topic } from '../texts/topics.ts'
import { readRecipients } from './read-recipients.ts'
import { frequencyOf, type Recipient } from './recipient.ts'
import { setPreferences } from './set-preferences.ts'
import { unsubscribeRoutes } from './unsubscribe-routes.ts'

const tags = ['messages']

/** `22:30`. */
const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:30')

const quietHours = z.strictObject({
  from: timeOfDay.meta({ example: '22:00' }),
  to: timeOfDay.meta({ example: '07:00' }),
})

const choice = z.strictObject({
  topic: z.enum(TOPIC_NAMES),
  channel: z.enum(CHANNELS),
  frequency: z.enum(FREQUENCIES).meta({
    description: '`instantly`: at once, many at once together; `hourly`, `daily`: what came together, in one message.',
  }),
})

const preferencesShape = z.object({
  time_zone: z
    .string()
    .meta({ description: 'Of quiet hours and daily messages; it is a part of the profile.', example: 'Asia/Dhaka' }),
  quiet_hours: quietHours
    .nullable()
    .meta({ description: 'Telegram waits for their end; security and alerts come without a sound.' }),
  telegram: z.boolean().meta({ description: 'Whether a chat is linked and switched on.' }),
  choices: z.array(
    choice.extend({
      possible: z
        .array(z.enum(FREQUENCIES))
        .meta({ description: 'What can be chosen; one alone: it cannot be switched off.' }),
    }),
  ),
})

const changeShape = z.strictObject({
  quiet_hours: quietHours.nullable().optional(),
  choices: z
    .array(choice)
    .max(TOPIC_NAMES.length * CHANNELS.length)
    .optional(),
})

/** How the user wants to be told, and the page that stops mails. Register it under a scope that `guardRoutes` guards. */
export function preferenceRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(ownRoutes(app))
    await server.register(unsubscribeRoutes(app, secrets))
  }
}

function ownRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    server.get(
      '/api/v1/message-preferences',
      {
        config: { permission: 'messages:read:own' },
        schema: { summary: 'How I want to be told', tags, response: { 200: preferencesShape } },
      },
      async (request) => preferencesView(app, principalOf(request)),
    )
    server.put(
      '/api/v1/message-preferences',
      {
        config: { permission: 'messages:edit:own' },
        schema: {
          summary: 'Change how I want to be told',
          description: 'What is left out stays. Security notices by mail and in the inbox cannot be switched off.',
          tags,
          body: changeShape,
          response: { 200: preferencesShape },
        },
      },
      async (request) => {
        const principal = principalOf(request)
        const { quiet_hours, choices } = request.body
        const quiet = quiet_hours && { from: minutes(quiet_hours.from), to: minutes(quiet_hours.to) }
        const change = {
          ...(quiet !== undefined && { quiet }),
          ...(choices && { choices }),
        }
        const by = { now: app.clock.now(), actor: actorOf(request) }
        await app.db.transaction((tx) => setPreferences(tx, principal.user_id, change, by))
        return preferencesView(app, principal)
      },
    )
  }
}

async function preferencesView(app: App, principal: Principal): Promise<z.output<typeof preferencesShape>> {
  const recipient = (await readRecipients(app.db, [principal.user_id])).get(principal.user_id)
  if (!recipient) throw new UserNotFoundError()
  const { quiet_from: from, quiet_to: to, time_zone, chat_id } = recipient
  return {
    time_zone,
    quiet_hours: from === null || to === null ? null : { from: clockOf(from), to: clockOf(to) },
    telegram: chat_id !== null,
    choices: TOPIC_NAMES.filter((topic) => TOPICS[topic].audience === 'everyone' || principal.staff).flatMap((topic) =>
      choicesView(topic, recipient),
    ),
  }
}

function choicesView(topic: Topic, recipient: Recipient) {
  // What would hold with a chat is shown without one too: it is what the user chose.
  const linked = { ...recipient, chat_id: recipient.chat_id ?? 0n }
  return CHANNELS.map((channel) => ({
    topic,
    channel,
    frequency: frequencyOf(linked, topic, channel),
    possible: [...choicesFor(topic, channel)],
  }))
}

function minutes(time: string): number {
  const [hours = 0, rest = 0] = time.split(':').map(Number)
  return hours * 60 + rest
}

function clockOf(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}
