import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { Authentication } from '#server/domains/identity/authentication.ts'
import type { App } from '#server/platform/app.ts'
import { errorHandler } from '#server/platform/http/failure.ts'
import { answerFailure, JSON_TYPE } from './answer-failure.ts'
import { answerRequest } from './answer-request.ts'
import type { PanelDeps } from './call.ts'
import { parseBody, parseMultipart } from './parse-body.ts'
import { ERRORS, errorBody } from './refusals.ts'
import { getSchema, postSchema } from './schema.ts'

/**
 * `/api/v2`, the form that resellers' panels speak: one address, `key` and `action`, always JSON, errors as `{"error"}` with status 200, never a redirect.
 * It checks keys itself, since a key may be a field of the body.
 */
export function panelApiRoutes(
  app: App,
  authentication: Authentication,
  given: Omit<PanelDeps, 'app'>,
): FastifyPluginAsyncZod {
  const deps = { app, ...given }
  return async (server) => {
    server.setErrorHandler(errorHandler(answerFailure))
    server.removeAllContentTypeParsers()
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
      done(null, parseBody(request.headers['content-type'], body))
    })
    server.addContentTypeParser('multipart/form-data', { parseAs: 'buffer' }, (request: FastifyRequest, body: Buffer) =>
      parseMultipart(request.headers['content-type'] ?? '', body),
    )
    // The fields are read by hand: at this door's pace a schema would cost more than the order. The schemas are for the document.
    server.setValidatorCompiler(() => () => true)

    const config = {
      permission: null,
      idempotent: 'the key of `add` is stored with its order, for ever',
      rate_class: 'by_action' as const,
    }
    server.post('/api/v2', { config, schema: postSchema }, async (request, reply) => {
      reply.header('content-type', JSON_TYPE)
      return reply.send(await answerRequest(deps, authentication, request, reply))
    })
    // A HEAD would place an order and not tell its number.
    server.get('/api/v2', { config, schema: getSchema, exposeHeadRoute: false }, async (request, reply) => {
      reply.header('content-type', JSON_TYPE).header('cache-control', 'no-store')
      return reply.send(await answerRequest(deps, authentication, request, reply))
    })
    server.route({
      method: ['PUT', 'PATCH', 'DELETE'],
      url: '/api/v2',
      config,
      schema: { hide: true },
      handler: async (_, reply) => {
        reply.header('content-type', JSON_TYPE)
        return reply.send(errorBody(ERRORS.incorrect_request))
      },
    })
  }
}
