import type { FastifyReply } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { LOCALES, type Locale } from '#server/domains/identity/user.ts'
import { escapeHtml } from '#server/kit/html.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { FRAMES } from '../texts/frames.ts'
import { canUnsubscribe, type Topic } from '../texts/topics.ts'
import { readRecipients } from './read-recipients.ts'
import { setPreferences } from './set-preferences.ts'
import { readUnsubscribeToken } from './unsubscribe-token.ts'

const params = z.object({ token: z.string().max(200) })
const querystring = z.object({ lang: z.enum(LOCALES).catch('en').default('en') })

/**
 * The page behind "Stop these mails", and what mail programs post to by RFC 8058. A GET changes nothing, for programs that look into mails follow links; the
 * token in the address lets its holder stop one kind of mail and nothing else.
 */
export function unsubscribeRoutes(app: App, secrets: Secrets): FastifyPluginAsyncZod {
  const tags = ['messages']
  return async (server) => {
    // Mail programs post a form that says nothing we need.
    server.addContentTypeParser('application/x-www-form-urlencoded', { bodyLimit: 1_024 }, (_, payload, done) => {
      payload.resume().on('end', () => done(null, {}))
    })
    server.get(
      '/api/v1/unsubscribe/:token',
      {
        config: { permission: null },
        schema: { summary: 'The page that asks whether to stop mails', tags, params, querystring },
      },
      async (request, reply) => {
        const { lang } = request.query
        const known = knownToken(secrets, request.params.token)
        const { page } = FRAMES[lang]
        if (!known) return sendPage(reply.code(404), lang, page.title, page.gone)
        return sendPage(reply, lang, page.title, page.ask, page.button)
      },
    )
    server.post(
      '/api/v1/unsubscribe/:token',
      {
        config: { permission: null, idempotent: 'stopping twice is stopping' },
        schema: {
          summary: 'Stop mails of one kind',
          description: 'With the token of a mail alone: for mail programs (RFC 8058) and the page.',
          tags,
          params,
          querystring,
        },
      },
      async (request, reply) => {
        const { lang } = request.query
        const known = knownToken(secrets, request.params.token)
        const { page } = FRAMES[lang]
        if (!known || !(await isUser(app, known.user_id))) return sendPage(reply.code(404), lang, page.title, page.gone)
        await stopMails(app, known, request)
        return sendPage(reply, lang, page.title, page.done)
      },
    )
  }
}

function knownToken(secrets: Secrets, token: string): { user_id: bigint; topic: Topic } | undefined {
  const known = readUnsubscribeToken(secrets, token)
  return known && canUnsubscribe(known.topic, 'email') ? known : undefined
}

async function isUser(app: App, user_id: bigint): Promise<boolean> {
  return (await readRecipients(app.db, [user_id])).has(user_id)
}

async function stopMails(
  app: App,
  { user_id, topic }: { user_id: bigint; topic: Topic },
  request: { ip: string; id: string },
): Promise<void> {
  const choices = [{ topic, channel: 'email', frequency: 'never' }] as const
  const actor = { kind: 'user', user_id, ip: request.ip, request_id: request.id } as const
  await app.db.transaction((tx) => setPreferences(tx, user_id, { choices }, { now: app.clock.now(), actor }))
}

function sendPage(reply: FastifyReply, locale: Locale, title: string, text: string, button?: string): FastifyReply {
  const form = button ? `<form method="post"><button>${escapeHtml(button)}</button></form>` : ''
  return reply
    .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .send(`<!doctype html><html lang="${locale}"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><style>
:root{color-scheme:light dark;font:17px/1.6 system-ui,sans-serif}body{max-width:32rem;margin:15vh auto;padding:0 1.25rem}
button{font:inherit;font-weight:600;padding:.7rem 1.4rem;border:0;border-radius:.6rem;background:#1f5eff;color:#fff}
</style></head><body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${form}</body></html>`)
}
