import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Config } from '#server/platform/config/config.ts'
import type { OpenApi } from './render-operations.ts'
import { renderPage } from './render-page.ts'
import { LANGUAGES, type Language, languageOf } from './texts.ts'

/** `/docs`: all doors on one page, made here, loading nothing from elsewhere and running no script. `/` leads there. */
export function docsPage(config: Pick<Config, 'mode' | 'public_url' | 'port'>): FastifyPluginAsyncZod {
  const pages = new Map<Language, string>()
  return async (server) => {
    server.get(
      '/docs',
      {
        config: { permission: null },
        schema: {
          summary: 'The documentation, as a page',
          tags: ['developers'],
          querystring: z.object({ lang: z.enum(LANGUAGES).optional().catch(undefined) }),
        },
      },
      async (request, reply) => {
        const language = request.query.lang ?? languageOf(request.headers['accept-language'])
        let page = pages.get(language)
        if (page === undefined) {
          page = renderPage(server.swagger() as unknown as OpenApi, language, config)
          pages.set(language, page)
        }
        return reply
          .headers({
            'content-type': 'text/html; charset=utf-8',
            'cache-control': 'no-cache',
            'content-language': language,
            vary: 'accept-language',
          })
          .send(page)
      },
    )

    server.get(
      '/',
      { config: { permission: null }, schema: { summary: 'Leads to the documentation', tags: ['developers'] } },
      async (_, reply) => reply.redirect('/docs'),
    )
  }
}
