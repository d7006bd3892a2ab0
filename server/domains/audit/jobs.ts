import type { App } from '#server/platform/app.ts'
import { startLoop } from '#server/platform/db/loop.ts'
import { sealLag } from './queries.ts'
import { sealActs } from './seal-acts.ts'

/** A seal costs a commit, so some acts may gather. */
const SEAL_IDLE_MS = 500

/** What a worker does with the audit, until stopped: it seals. Any number of workers may; one at a time does. */
export function startAuditWork(app: Pick<App, 'db' | 'log' | 'metrics'>): { stop(): Promise<void> } {
  const { db, log, metrics } = app
  const waiting = metrics.gauge('saldo_audit_unsealed_acts', 'Acts that no seal covers yet')
  const age = metrics.gauge('saldo_audit_unsealed_age_seconds', 'Age of the oldest act that no seal covers yet')
  const sealed = metrics.counter('saldo_audit_sealed_acts_total', 'Acts sealed')
  async function run(): Promise<boolean> {
    const { acts, is_full } = await sealActs(db)
    sealed.inc(acts)
    const lag = await sealLag(db)
    waiting.set(lag.acts)
    age.set(lag.age_ms / 1000)
    return is_full
  }
  return startLoop({ name: 'audit.seal', run, idle_ms: SEAL_IDLE_MS, log, metrics })
}
