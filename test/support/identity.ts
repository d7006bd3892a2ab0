import { setImmediate } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import fastify from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { onTestFinished } from 'vitest'
import type { OpenApp } from '#server/app.ts'
import { type Authentication, openAuthentication } from '#server/domains/identity/authentication.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { type LinkAsked, linkAsked, type SecurityNotice, securityNotice } from '#server/domains/identity/events.ts'
import { guardRoutes, principalOf } from '#server/domains/identity/guard-routes.ts'
import { identitySubscriptions } from '#server/domains/identity/jobs.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { type OneTimeLink, oneTimeLink } from '#server/domains/identity/links/one-time-links.ts'
import { identityRoutes } from '#server/domains/identity/routes.ts'
import type { Client } from '#server/domains/identity/sessions/client.ts'
import { createSession, type SignedIn } from '#server/domains/identity/sessions/create-session.ts'
import type { User } from '#server/domains/identity/user.ts'
import type { Clock } from '#server/kit/clock.ts'
import { systemClock } from '#server/kit/clock.ts'
import type { Config } from '#server/platform/config/config.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { keepAnswers } from '#server/platform/idempotency/once.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { on } from '#server/platform/outbox/subscription.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { testApp } from './app.ts'

/** The password of every user that `aUser` makes. */
export const PASSWORD = 'correct horse battery'

/** The machine's clock, whose `now` a test can move. */
export interface MovableClock extends Clock {
  ahead_ms: number
}

/** An app of the test's own, whose clock can be moved, and all that was logged. */
export interface IdentityApp extends OpenApp {
  clock: MovableClock
  logged: string[]
}

/** An app over a database of the test's own, with a clock that can be moved. */
export async function identityApp(
  options: { public_url?: string; captcha?: Config['captcha'] } = {},
): Promise<IdentityApp> {
  const app = await testApp()
  const logged: string[] = []
  const log = openLog({ level: 'debug', destination: { write: (line) => void logged.push(line) } })
  const clock: MovableClock = {
    ahead_ms: 0,
    now: () => new Date(Date.now() + clock.ahead_ms),
    monotonic_ms: systemClock.monotonic_ms,
  }
  const { public_url, captcha } = options
  return { ...app, config: { ...app.config, public_url, captcha }, clock, log, logged }
}

/** What one process holds; closed when the test ends. Two of them on one database are two processes to each other. */
export async function anAuthentication(app: IdentityApp): Promise<Authentication> {
  const authentication = await openAuthentication(app, await openSecrets(app.config))
  onTestFinished(() => authentication.close())
  return authentication
}

/** Someone at a browser that is not known. */
export function aClient(of: Partial<Client> = {}): Client {
  return { ip: '192.0.2.1', user_agent: 'test', device: undefined, ...of }
}

/** Signs in a user without a second factor by the password. */
export async function signedIn(
  app: IdentityApp,
  authentication: Authentication,
  input: { email: string; password?: string; client?: Client },
): Promise<SignedIn> {
  const { email, password = PASSWORD, client = aClient() } = input
  const outcome = await createSession(app, authentication.attempts, { email, password, client })
  if ('challenge' in outcome) throw new Error(`${email} has a second factor`)
  return outcome
}

/** What people are to be told: links by mail, and notices. */
export interface ToldToPeople {
  links: OneTimeLink[]
  notices: SecurityNotice[]
}

/** Lets what was asked at the doors be answered, as a worker does. Answers what is to be told to people by it and since the last time, oldest first. */
export async function answerRequests(app: IdentityApp, authentication: Authentication): Promise<ToldToPeople> {
  const asked: LinkAsked[] = []
  const notices: SecurityNotice[] = []
  const subscriptions = [
    ...identitySubscriptions,
    on(linkAsked, async (_tx, _app, events) => void asked.push(...events.map((each) => each.payload))),
    on(securityNotice, async (_tx, _app, events) => void notices.push(...events.map((each) => each.payload))),
  ]
  // What is answered is told in its turn.
  const fresh = () => app.db.query('select 1 from platform.outbox where next_at is null')
  while ((await fresh()).length > 0) await publishFresh(app, subscriptions)
  const links = await Promise.all(asked.map((each) => oneTimeLink(app, authentication.secrets, each.link_id)))
  return { links: links.filter((each) => each !== undefined), notices }
}

/** The token of a link, as the page behind it reads it. */
export function tokenOf(link: OneTimeLink | undefined): string {
  return link?.url.split('#')[1] ?? ''
}

/** Actions of the audit after users were made, oldest first. */
export async function actsOf(app: IdentityApp): Promise<string[]> {
  const rows = await app.db.query<{ action: string }>(
    `select action from audit.act where action <> 'users.created' order by id`,
  )
  return rows.map((row) => row.action)
}

let users = 0

/** A customer, or a user of another role, with PASSWORD. */
export async function aUser(app: Parameters<typeof createUser>[0], role = 'customer'): Promise<User> {
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
  const secrets = await openSecrets(app.config)
  keepAnswers(server, { app, secrets, callerOf: (request) => String(principalOf(request).user_id) })
  await server.register(identityRoutes(app, authentication))
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
