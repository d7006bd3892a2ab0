import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { LOCALES } from '../user.ts'
import { PAGE_SCRIPT } from './page-script.ts'
import { renderPage } from './render-page.ts'
import { PAGES } from './texts.ts'

const TAGS = ['account']

/** The pages behind mailed links: they read the token behind the # and send it in a body. */
export const accountPages: FastifyPluginAsyncZod = async (server) => {
  for (const name of PAGES) {
    server.get(
      `/account/${name}`,
      {
        config: { permission: null },
        schema: {
          summary: `The page behind a mailed link: ${name}`,
          description: 'For people. Reads the token behind the # of the link and sends it when the button is pressed.',
          tags: TAGS,
          querystring: z.object({ lang: z.enum(LOCALES).catch('en') }),
        },
      },
      async (request, reply) =>
        reply
          .headers({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
          .header('content-language', request.query.lang)
          .send(renderPage(name, request.query.lang)),
    )
  }

  server.get(
    '/account/page.js',
    { config: { permission: null }, schema: { summary: 'The script of the pages behind mailed links', tags: TAGS } },
    async (_, reply) =>
      reply
        .headers({ 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' })
        .send(PAGE_SCRIPT),
  )
}
