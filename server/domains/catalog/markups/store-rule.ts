import type { Act, Actor } from '#server/domains/audit/act.ts'
import { differences } from '#server/domains/audit/differences.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { MarkupRule } from '../markup.ts'
import { columnsOf, figuresOf, type MarkupScope, scopeName } from './markup-rule.ts'

/** Who changes a rule, and when. */
export interface RuleEditor {
  by: Actor
  at: Date
  reason?: string | undefined
}

/** What an act's subject takes. */
const SUBJECT_MAX = 200

const FIGURES = ['percent_bp', 'fixed', 'minimum_margin', 'step'] as const

const find = statement(`
  select percent_bp, fixed, minimum_margin, step from catalog.markup_rule
  where (service_id, category, provider_id) is not distinct from ($1::bigint, $2::text, $3::bigint)`)

const upsert = statement(`
  insert into catalog.markup_rule (service_id, category, provider_id, percent_bp, fixed, minimum_margin, step, updated_at, updated_by)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict on constraint markup_rule_once do update set percent_bp = excluded.percent_bp, fixed = excluded.fixed,
    minimum_margin = excluded.minimum_margin, step = excluded.step, updated_at = excluded.updated_at, updated_by = excluded.updated_by`)

const remove = statement(`
  delete from catalog.markup_rule
  where (service_id, category, provider_id) is not distinct from ($1::bigint, $2::text, $3::bigint)`)

/**
 * Sets the rule of a scope, or with null takes it away, and records who did. Prices nothing anew: that is the caller's, who holds the lock on what it prices. Answers
 * whether anything changed.
 */
export async function storeRule(
  tx: Tx,
  scope: MarkupScope,
  rule: MarkupRule | null,
  { by, at, reason }: RuleEditor,
): Promise<boolean> {
  const { service_id, category, provider_id } = columnsOf(scope)
  const columns = [service_id, category, provider_id]
  const [before] = await tx.query<MarkupRule>(find, columns)
  const after = rule === null ? undefined : figuresOf(rule)
  const changed = differences(figuresOrNothing(before), figuresOrNothing(after), FIGURES)
  if (!changed) return false
  if (after) {
    const { percent_bp, fixed, minimum_margin, step } = after
    tx.send(upsert, [...columns, percent_bp, fixed, minimum_margin, step, at, by.user_id ?? null])
  } else {
    tx.send(remove, columns)
  }
  const act: Act = {
    action: after ? 'prices.markup_set' : 'prices.markup_removed',
    actor: by,
    subject: { kind: 'markup', id: [...scopeName(scope)].slice(0, SUBJECT_MAX).join('') },
    ...(before && { before: changed.before }),
    ...(after && { after: changed.after }),
    ...(reason && { reason }),
  }
  recordActs(tx, [act])
  return true
}

function figuresOrNothing(rule: MarkupRule | undefined) {
  return rule ?? { percent_bp: undefined, fixed: undefined, minimum_margin: undefined, step: undefined }
}
