import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { HttpApp } from './http.ts'

/** A request that takes longer is worth a look. */
const SLOW_MS = 1_000

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * Measures and logs each answer. Success is counted, and logged at `debug` only: at thousands of requests a second a line for
 * each would cost more than the work. Slow answers and those of 500 and above are logged at `warn`.
 */
export function watchRequests(app: HttpApp, { log, metrics }: { log: Log; metrics: Metrics }): void {
  const durations = metrics.histogram('http_request_duration_seconds', 'Time to answer', BUCKETS_S, [
    'method',
    'route',
    'status',
  ])
  app.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'none', config } = request.routeOptions
    const status = reply.statusCode
    const duration_ms = reply.elapsedTime
    if (!config.long_lived) {
      durations.observe({ method: request.method, route, status: `${Math.floor(status / 100)}xx` }, duration_ms / 1_000)
    }
    const { level, message } = worthLogging(status, config.long_lived ? 0 : duration_ms)
    if (log.isLevelEnabled(level)) {
      const line = { request_id: request.id, method: request.method, route, status, ip: request.ip }
      log[level]({ ...line, duration_ms: Math.round(duration_ms) }, message)
    }
    done()
  })
}

/** How loudly an answer is logged, and in which words. */
export function worthLogging(status: number, duration_ms: number): { level: 'warn' | 'debug'; message: string } {
  if (status >= 500) return { level: 'warn', message: 'answered with an error' }
  if (duration_ms > SLOW_MS) return { level: 'warn', message: 'answered slowly' }
  return { level: 'debug', message: 'answered' }
}
