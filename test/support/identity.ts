import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fastify from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { onTestFinished } from 'vitest'
import { type Authentication, openAuthentication } from '#server/domains/identity/authentication.ts'
import { createApiKey } from '#server/domains/identity/create-api-key.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { guardRoutes, principalOf } from '#server/domains/identity/guard-routes.ts'
import { identityRoutes } from '#server/domains/identity/routes.ts'
import type { User } from '#server/domains/identity/user.ts'
import type { Clock } from '#server/kit/clock.ts'
import { systemClock } from '#server/kit/clock.ts'
import type { App } from '#server/platform/app.ts'
import type { Db } from '#server/platform/db/database.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { keepAnswers } from '#server/platform/idempotency/once.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { testDatabase } from './database.ts'

/** The password of every user that `aUser` makes. */
export const PASSWORD = 'correct horse battery'

/** The machine's clock, whose `now` a test can move. */
export interface MovableClock extends Clock {
  ahead_ms: number
}

/** What identity's verbs need, and all that was logged. */
export interface IdentityApp {
  db: Db
  clock: MovableClock
  log: App['log']
  config: { public_url: string | undefined }
  logged: string[]
}

/** A database of the test's own with a clock and a log. */
export async function identityApp(options: { public_url?: string } = {}): Promise<IdentityApp> {
  const { db } = await testDatabase()
  const logged: string[] = []
  const log = openLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } })
  const clock: MovableClock = {
    ahead_ms: 0,
    now: () => new Date(Date.now() + clock.ahead_ms),
    monotonic_ms: systemClock.monotonic_ms,
  }
  return { db, clock, log, config: { public_url: options.public_url }, logged }
}

/** What one process holds; closed when the test ends. Two of them on one database are two processes to each other. */
export async function anAuthentication(app: IdentityApp): Promise<Authentication> {
  const authentication = await openAuthentication(app)
  onTestFinished(() => authentication.close())
  return authentication
}

let users = 0

/** A customer, or a user of another role, with PASSWORD. */
export async function aUser(app: IdentityApp, role = 'customer'): Promise<User> {
  users += 1
  return createUser(app, { email: `user-${users}@example.com`, password: PASSWORD, role })
}

/** A customer with a key. */
export async function aKey(app: IdentityApp, options: Partial<Parameters<typeof createApiKey>[1]> = {}) {
  const user_id = options.user_id ?? (await aUser(app)).id
  const { key, api_key } = await createApiKey(app, { name: 'shop', ...options, user_id })
  return { key, api_key, user_id }
}

/** A listening server with identity's routes, guarded, and `more` beside them. */
export async function anIdentityServer(
  app: IdentityApp,
  authentication: Authentication,
  more: (server: FastifyInstance) => void = () => {},
): Promise<{ url: string; host: string }> {
  const server = fastify({ trustProxy: '127.0.0.1' })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(serializerCompiler)
  server.setErrorHandler((error: Error & { statusCode?: number }, _, reply) => {
    if (error instanceof ProblemError) return reply.code(error.status).send({ code: error.code, title: error.title })
    const status = error.statusCode ?? 500
    if (status >= 500) app.log.error({ err: error }, 'request failed')
    return reply.code(status).send({ code: 'bad_request' })
  })
  guardRoutes(server, authentication)
  // The routes read `db`, `clock` and `log` of it and no more.
  const some = app as unknown as App
  const secrets = await openSecrets({ mode: 'production', home: '', secret_key: Buffer.alloc(32).toString('base64') })
  keepAnswers(server, { app: some, secrets, callerOf: (request) => String(principalOf(request).user_id) })
  await server.register(identityRoutes(some, authentication))
  more(server)
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close())
  return { url, host: new URL(url).host }
}

/** Asks until `done` holds; answers after how many milliseconds it did. Throws when it does not within `within_ms`. */
export async function waitFor(done: () => Promise<boolean>, within_ms: number): Promise<number> {
  const start = performance.now()
  while (!(await done())) {
    if (performance.now() - start > within_ms) throw new Error(`not within ${within_ms} ms`)
    await setImmediate()
  }
  return performance.now() - start
}
