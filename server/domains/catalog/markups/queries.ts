import { statement, type Tx } from '#server/platform/db/database.ts'
import type { StoredRule } from './markup-rule.ts'

const COLUMNS = 'id, service_id, category, provider_id, percent_bp, fixed, minimum_margin, step, updated_at, updated_by'

const allRules = statement(`select ${COLUMNS} from catalog.markup_rule`)
const ruleById = statement(`select ${COLUMNS} from catalog.markup_rule where id = $1`)
const rulesBehind = statement(`select ${COLUMNS} from catalog.markup_rule where id > $1 order by id limit $2`)

/** Every mark-up rule: one for the house, at most one for each provider, category and service. */
export function selectRules(tx: Pick<Tx, 'query'>): Promise<StoredRule[]> {
  return tx.query<StoredRule>(allRules)
}

/** One rule; undefined when there is none. */
export async function selectRule(tx: Pick<Tx, 'query'>, id: bigint): Promise<StoredRule | undefined> {
  return (await tx.query<StoredRule>(ruleById, [id]))[0]
}

/** The rules behind one, in the order in which they were made. */
export function selectRulesBehind(tx: Pick<Tx, 'query'>, id: bigint, limit: number): Promise<StoredRule[]> {
  return tx.query<StoredRule>(rulesBehind, [id, limit])
}
