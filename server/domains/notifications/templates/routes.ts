import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { principalOf } from '#server/domains/identity/guard-routes.ts'
import { LOCALES } from '#server/domains/identity/user.ts'
import type { App } from '#server/platform/app.ts'
import { TemplateNotFoundError } from '../messages/errors.ts'
import { CATALOGUE } from '../texts/catalogue.ts'
import { channelsOf, isKind, KIND_NAMES, KINDS, type Kind, variablesOf } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'
import { editTemplate } from './edit-template.ts'
import { previewTemplate } from './preview.ts'
import { latestTemplates, type TemplateVersion, versionsOf } from './queries.ts'
import { readTexts } from './read-texts.ts'

const tags = ['messages']
const TITLE_MAX = 200
const BODY_MAX = 3_000
const ACTION_MAX = 80

function template(max: number) {
  const text = z.string().min(1).max(max)
  const forms = { by: z.string().max(40), zero: text, one: text, two: text, few: text, many: text, other: text }
  return z.union([
    text,
    z.strictObject(forms).partial({ zero: true, one: true, two: true, few: true, many: true, other: true }),
  ])
}

const textsShape = z.strictObject({
  title: template(TITLE_MAX).meta({
    description: 'A text with `{{variables}}`, or one for each plural form of the language, chosen `by` a count.',
    example: 'Completed: {{count}}',
  }),
  body: template(BODY_MAX).meta({
    description: 'Plain text; an empty line parts paragraphs.',
    example: 'Orders: {{orders}}.',
  }),
  action: z.string().min(1).max(ACTION_MAX).optional().meta({ description: 'The button, for messages that have one.' }),
})

const locale = z.enum(LOCALES)
const named = z.object({ name: z.string().max(40) })
const localized = named.extend({ locale })
const version = z.int().min(0)

const versionShape = z.object({
  locale,
  version,
  texts: textsShape.nullable().meta({ description: 'Null: back to the house’s own.' }),
  edited_by: z.string().nullable(),
  edited_at: z.iso.datetime(),
})

const templateShape = z.object({
  name: z.string().meta({ example: 'orders_completed' }),
  topic: z
    .string()
    .nullable()
    .meta({ description: 'Null: sent because someone asked for it.', example: 'orders_completed' }),
  channels: z.array(z.string()),
  variables: z.record(z.string(), z.string()).meta({ example: { count: 'count', orders: 'names' } }),
  changed: z.array(locale).meta({ description: 'Languages in which staff changed it.' }),
})

const detailShape = templateShape.extend({
  texts: z.record(locale, textsShape).meta({ description: 'As they stand.' }),
  versions: z.record(locale, version),
  history: z.array(versionShape),
})

const change = z.strictObject({
  texts: textsShape,
  version: version
    .optional()
    .meta({ description: 'The version the change was made on; refused when another came meanwhile.' }),
})

const previewShape = z.object({
  subject: z.string(),
  text: z.string(),
  html: z.string(),
  telegram: z.string().nullable(),
})

/** The texts of messages, for staff. Register it under a scope that `guardRoutes` guards. */
export function templateRoutes(app: App): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app))
    await server.register(editingRoutes(app))
  }
}

function readingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'messages:read' }
  return async (server) => {
    server.get(
      '/api/admin/messages/templates',
      {
        config,
        schema: {
          summary: 'The texts of messages',
          tags,
          response: { 200: z.object({ data: z.array(templateShape) }) },
        },
      },
      async () => {
        const latest = await latestTemplates(app.db)
        return { data: KIND_NAMES.map((kind) => templateView(kind, latest)) }
      },
    )
    server.get(
      '/api/admin/messages/templates/:name',
      {
        config,
        schema: { summary: 'One of them, with its versions', tags, params: named, response: { 200: detailShape } },
      },
      async (request) => detailView(app, kindOf(request.params.name)),
    )
    server.post(
      '/api/admin/messages/templates/:name/preview',
      {
        config: { ...config, idempotent: 'a preview changes nothing' },
        schema: {
          summary: 'See a message before it is saved',
          description: 'With sample data, as mail and as Telegram message. Without `texts`, as it stands.',
          tags,
          params: named,
          body: z.strictObject({ locale, texts: textsShape.optional() }),
          response: { 200: previewShape },
        },
      },
      async (request) => {
        const kind = kindOf(request.params.name)
        const { locale: wanted, texts } = request.body
        const standing = (await readTexts(app.db, [kind]))(kind, wanted)
        return previewTemplate(app.config, kind, wanted, (texts as MessageTexts | undefined) ?? standing)
      },
    )
  }
}

function editingRoutes(app: App): FastifyPluginAsyncZod {
  const config = { permission: 'messages:edit' }
  return async (server) => {
    server.put(
      '/api/admin/messages/templates/:name/:locale',
      {
        config,
        schema: {
          summary: 'Change the texts of a message',
          description:
            'Every message written from then on uses them. Only the variables of the message are taken, and no expressions.',
          tags,
          params: localized,
          body: change,
          response: { 200: detailShape },
        },
      },
      async (request) => {
        const kind = kindOf(request.params.name)
        const { texts, version: made_on } = request.body
        const by = { by: actorOf(request), edited_by: principalOf(request).user_id }
        const edit = { kind, locale: request.params.locale, texts: texts as MessageTexts, version: made_on, ...by }
        await app.db.transaction((tx) => editTemplate(tx, edit, app.clock.now()))
        return detailView(app, kind)
      },
    )
    server.delete(
      '/api/admin/messages/templates/:name/:locale',
      {
        config,
        schema: {
          summary: 'Back to the house’s own texts',
          description: 'The versions stay in the history.',
          tags,
          params: localized,
          response: { 200: detailShape },
        },
      },
      async (request) => {
        const kind = kindOf(request.params.name)
        const by = { by: actorOf(request), edited_by: principalOf(request).user_id }
        const edit = { kind, locale: request.params.locale, texts: undefined, version: undefined, ...by }
        await app.db.transaction((tx) => editTemplate(tx, edit, app.clock.now()))
        return detailView(app, kind)
      },
    )
  }
}

function kindOf(name: string): Kind {
  if (!isKind(name)) throw new TemplateNotFoundError()
  return name
}

function templateView(kind: Kind, latest: readonly TemplateVersion[]): z.output<typeof templateShape> {
  return {
    name: kind,
    topic: KINDS[kind].topic ?? null,
    channels: [...channelsOf(kind)],
    variables: Object.fromEntries(Object.entries(variablesOf(kind)).filter(([, type]) => type !== 'link')),
    changed: latest.filter((each) => each.kind === kind && each.texts !== null).map((each) => each.locale),
  }
}

async function detailView(app: App, kind: Kind): Promise<z.output<typeof detailShape>> {
  const history = await versionsOf(app.db, kind)
  const latest = LOCALES.map((each) => ({ locale: each, of: history.find((row) => row.locale === each) }))
  const texts = latest.map(({ locale: each, of }) => [each, of?.texts ?? CATALOGUE[each][kind]])
  return {
    ...templateView(
      kind,
      latest.flatMap(({ of }) => of ?? []),
    ),
    texts: Object.fromEntries(texts),
    versions: Object.fromEntries(latest.map(({ locale: each, of }) => [each, of?.version ?? 0])) as never,
    history: history.map((row) => ({
      locale: row.locale,
      version: row.version,
      texts: row.texts as z.output<typeof textsShape> | null,
      edited_by: row.edited_by?.toString() ?? null,
      edited_at: row.edited_at.toISOString(),
    })),
  }
}
