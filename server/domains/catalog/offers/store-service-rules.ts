import { recordActs } from '#server/domains/audit/record-acts.ts'
import { int8Array } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { MarkupRule } from '../markup.ts'
import { figuresOf, scopeName } from '../markups/markup-rule.ts'
import type { RuleEditor } from '../markups/store-rule.ts'

const upsert = statement(`
  insert into catalog.markup_rule as rule (service_id, percent_bp, fixed, minimum_margin, step, updated_at, updated_by)
  select id, $2, $3, $4, $5, $6, $7 from unnest($1::bigint[]) as taken (id) order by id
  on conflict on constraint markup_rule_once do update set percent_bp = excluded.percent_bp, fixed = excluded.fixed,
    minimum_margin = excluded.minimum_margin, step = excluded.step, updated_at = excluded.updated_at, updated_by = excluded.updated_by
  where (rule.percent_bp, rule.fixed, rule.minimum_margin, rule.step)
    is distinct from (excluded.percent_bp, excluded.fixed, excluded.minimum_margin, excluded.step)
  returning service_id`)

/**
 * Gives each of these services the same mark-up rule of its own, and records who did, an act for each that changes. Prices nothing anew: that is the caller's, who holds
 * the lock on them.
 */
export async function storeServiceRules(
  tx: Tx,
  service_ids: readonly bigint[],
  rule: MarkupRule,
  { by, at, reason }: RuleEditor,
): Promise<void> {
  const after = figuresOf(rule)
  const { percent_bp, fixed, minimum_margin, step } = after
  const values = [int8Array(service_ids), percent_bp, fixed, minimum_margin, step, at, by.user_id ?? null]
  const changed = await tx.query<{ service_id: bigint }>(upsert, values)
  recordActs(
    tx,
    changed.map(({ service_id }) => ({
      action: 'prices.markup_set',
      actor: by,
      subject: { kind: 'markup', id: scopeName({ of: 'service', service_id }) },
      after: { ...after },
      ...(reason && { reason }),
    })),
  )
}
