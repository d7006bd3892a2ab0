import { setTimeout as after } from 'node:timers/promises'
import { z } from 'zod'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { HttpApp } from './http.ts'

/** What must work for requests to be served, each as a function that throws when it does not: `{ database: () => db.query('select 1') }`. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>

/** A check that takes longer has failed. */
const CHECK_TIMEOUT_MS = 2_000

/** The outcome is kept this long: the route is open to everyone, and must not become a load on what it checks. */
const CHECK_KEPT_MS = 1_000

const Readiness = z.object({
  status: z.enum(['ready', 'not_ready', 'stopping']),
  checks: z.record(z.string(), z.enum(['ok', 'failed'])),
})

/**
 * `/healthz`: the process answers. `/readyz`: it can serve, 503 when a check fails or it stops. `/metrics`: Prometheus.
 * They need no key, so they tell nothing about customers; a proxy in front keeps `/metrics` inside.
 */
export function operatorRoutes(
  app: HttpApp,
  given: { checks: ReadinessChecks; metrics: Metrics; log: Log; stopping: AbortSignal },
): void {
  const config = { operator: true }
  const tags = ['operators']

  app.get(
    '/healthz',
    {
      config,
      schema: { tags, summary: 'The process is alive', response: { 200: z.object({ status: z.literal('ok') }) } },
    },
    () => ({ status: 'ok' as const }),
  )

  const checked = keptFor(CHECK_KEPT_MS, () => runChecks(given.checks, given.log))
  app.get(
    '/readyz',
    { config, schema: { tags, summary: 'The process can serve', response: { 200: Readiness, 503: Readiness } } },
    async (_, reply) => {
      if (given.stopping.aborted) return reply.code(503).send({ status: 'stopping', checks: {} })
      const checks = await checked()
      const ready = Object.values(checks).every((outcome) => outcome === 'ok')
      return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', checks })
    },
  )

  app.get(
    '/metrics',
    { config, schema: { tags, summary: 'Metrics in the format of Prometheus' } },
    async (_, reply) => {
      const text = await given.metrics.registry.metrics()
      return reply.header('content-type', given.metrics.registry.contentType).send(text)
    },
  )
}

async function runChecks(checks: ReadinessChecks, log: Log): Promise<Record<string, 'ok' | 'failed'>> {
  const outcomes = Object.entries(checks).map(async ([name, check]) => {
    const done = new AbortController()
    const late = after(CHECK_TIMEOUT_MS, undefined, { signal: done.signal }).then(() => {
      throw new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)
    })
    // Rejects by the abort once the check has answered first.
    late.catch(() => undefined)
    try {
      await Promise.race([check(), late])
      return [name, 'ok'] as const
    } catch (error) {
      log.warn({ check: name, err: error }, 'not ready')
      return [name, 'failed'] as const
    } finally {
      done.abort()
    }
  })
  return Object.fromEntries(await Promise.all(outcomes))
}

/** `load`, answered from the last outcome while that is younger than `ms`; concurrent callers share one run. */
function keptFor<T>(ms: number, load: () => Promise<T>): () => Promise<T> {
  let kept: { value: Promise<T>; until: number } | undefined
  return () => {
    if (kept === undefined || performance.now() >= kept.until) {
      kept = { value: load(), until: Number.POSITIVE_INFINITY }
      const current = kept
      void current.value.finally(() => {
        current.until = performance.now() + ms
      })
    }
    return kept.value
  }
}
