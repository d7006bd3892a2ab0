import { type Backoff, backoff_ms } from '#server/kit/backoff.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, jsonArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { CaseEvidence, Finding, UnknownCase } from './unknown-case.ts'

/** Soon at first, while a provider may still be asked again; then hourly. */
const AGAIN: Backoff = { base_ms: 10_000, max_ms: 3_600_000 }

/** About three days of looking: as long as an order waits at all unless the house says otherwise. */
const TRIES_MAX = 80

/** Findings after which nothing more is to be found out. */
const PROOFS: readonly Finding[] = ['placed', 'not_placed', 'repeated', 'resolved']

const note = statement(`
  update orders.unknown_case c set finding = new.finding, evidence = new.evidence, next_try_at = new.next_try_at
  from (select unnest($1::uuid[]) as attempt, unnest($2::text[]) as finding, unnest($3::jsonb[]) as evidence,
    unnest($4::timestamptz[]) as next_try_at) as new
  where c.attempt = new.attempt`)

/** What a look at a case found, and on what grounds. */
export interface Found {
  unknown: UnknownCase
  finding: Finding
  evidence: CaseEvidence
}

/** Keeps what was found with each case, and when to look again: not after a proof, nor after TRIES_MAX looks. */
export function noteFindings(app: Pick<App, 'clock' | 'metrics' | 'log'>, tx: Tx, found: readonly Found[]): void {
  if (found.length === 0) return
  const now_ms = app.clock.now().getTime()
  tx.send(note, [
    plainArray(found.map(({ unknown }) => unknown.attempt.key)),
    textArray(found.map(({ finding }) => finding)),
    jsonArray(found.map(({ evidence }) => evidence)),
    dateArray(
      found.map(({ unknown: { tries }, finding }) =>
        PROOFS.includes(finding) || tries >= TRIES_MAX
          ? null
          : new Date(now_ms + backoff_ms(Math.max(1, tries), AGAIN)),
      ),
    ),
  ])
  tx.onCommit(() => {
    const counter = app.metrics.counter('saldo_order_findings_total', 'Looks at orders of unknown fate', ['finding'])
    for (const { unknown, finding } of found) {
      counter.inc({ finding })
      if (PROOFS.includes(finding))
        app.log.info(
          { event: 'ORDER_RECONCILED', order_id: unknown.order.id, finding },
          'the fate of an order was found out',
        )
    }
  })
}
