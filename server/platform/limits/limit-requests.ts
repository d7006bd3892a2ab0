import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { HttpApp } from '../http/http.ts'
import type { RateClass } from './rate-class.ts'
import type { RatedCaller, RateLimits } from './rate-limits.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** As what its requests are counted. Without it by its method; `by_action`: the route counts by itself, once it knows what is asked. */
    rate_class?: RateClass | 'by_action'
  }
}

/**
 * From here on each request to a route of `server` is counted against its network, before anything is done for it. Routes that state no class get one: `public` where `isPublic`,
 * else `reading` or `changing` by their method. The operators' routes are not counted.
 */
export function limitNetworks(
  server: HttpApp,
  limits: RateLimits,
  isPublic: (config: RouteOptions['config']) => boolean,
): void {
  server.decorateRequest('fewest_left', Number.POSITIVE_INFINITY)
  server.addHook('onRoute', (route) => {
    if (route.config?.operator) return
    route.config = { rate_class: isPublic(route.config) ? 'public' : byMethod(route.method), ...route.config }
  })
  server.addHook('onRequest', (request, reply, done) => {
    const { rate_class } = request.routeOptions.config
    if (rate_class === undefined || rate_class === 'by_action') return done()
    settle(() => limits.takeNetwork(rate_class, request, reply), done)
  })
}

/** From here on each request to a route of `server` whose caller is known is counted against that caller. Register it behind what finds out who calls. */
export function limitCallers(
  server: FastifyInstance,
  limits: RateLimits,
  callerOf: (request: FastifyRequest) => RatedCaller | undefined,
): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { rate_class } = request.routeOptions.config
    const caller = callerOf(request)
    if (caller === undefined || rate_class === undefined || rate_class === 'by_action') return done()
    settle(() => limits.takeCaller(rate_class, caller, request, reply), done)
  })
}

const READING = ['GET', 'HEAD', 'OPTIONS']

function byMethod(method: string | string[]): RateClass {
  return [method].flat().every((each) => READING.includes(each)) ? 'reading' : 'changing'
}

/** Goes on at once where nothing is to be waited for: a promise for each request would cost more than the count. */
function settle(take: () => Promise<void> | undefined, done: (error?: Error) => void): void {
  let waiting: Promise<void> | undefined
  try {
    waiting = take()
  } catch (error) {
    done(error as Error)
    return
  }
  if (waiting === undefined) done()
  else waiting.then(() => done(), done)
}
