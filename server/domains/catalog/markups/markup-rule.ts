import type { MarkupRule } from '../markup.ts'
import type { Service } from '../service.ts'

/** A mark-up rule and what it prices: one service, one of our categories, all of a provider, or, with none of the three, the rest. */
export interface StoredRule extends MarkupRule {
  id: bigint
  service_id: bigint | null
  category: string | null
  provider_id: bigint | null
  updated_at: Date
  updated_by: bigint | null
}

/** What a rule prices. */
export type MarkupScope =
  | { of: 'house' }
  | { of: 'provider'; provider_id: bigint }
  | { of: 'category'; category: string }
  | { of: 'service'; service_id: bigint }

/** What is known of a service when its rule is looked for. One that is about to be created has no id yet. */
export type Placed = Pick<Service, 'category' | 'provider_id'> & { id?: bigint }

/** Finds the rule that prices a service: its own before its category's, that before its provider's, that before the house's. */
export type FindRule = (service: Placed) => MarkupRule

/** The scope of a stored rule. */
export function scopeOf(rule: Pick<StoredRule, 'service_id' | 'category' | 'provider_id'>): MarkupScope {
  if (rule.service_id !== null) return { of: 'service', service_id: rule.service_id }
  if (rule.category !== null) return { of: 'category', category: rule.category }
  if (rule.provider_id !== null) return { of: 'provider', provider_id: rule.provider_id }
  return { of: 'house' }
}

/** The scope as one text, the same for the same scope: `service:5`. */
export function scopeName(scope: MarkupScope): string {
  switch (scope.of) {
    case 'house':
      return 'house'
    case 'provider':
      return `provider:${scope.provider_id}`
    case 'category':
      return `category:${scope.category}`
    case 'service':
      return `service:${scope.service_id}`
  }
}

/** A rule set for a scope, or with null taken away from it. */
export interface RuleChange {
  scope: MarkupScope
  rule: MarkupRule | null
}

/** A rule with its columns of scope. */
export type ScopedRule = MarkupRule & Pick<StoredRule, 'service_id' | 'category' | 'provider_id'>

/** The rules as they would stand after a change. */
export function rulesAfter(rules: readonly ScopedRule[], { scope, rule }: RuleChange): ScopedRule[] {
  const others = rules.filter((each) => scopeName(scopeOf(each)) !== scopeName(scope))
  return rule === null ? others : [...others, { ...figuresOf(rule), ...columnsOf(scope) }]
}

/** The columns that say which scope it is. */
export function columnsOf(scope: MarkupScope): Pick<StoredRule, 'service_id' | 'category' | 'provider_id'> {
  return {
    service_id: scope.of === 'service' ? scope.service_id : null,
    category: scope.of === 'category' ? scope.category : null,
    provider_id: scope.of === 'provider' ? scope.provider_id : null,
  }
}

/** How `rules` decide. The house's is `house`. */
export function findRuleAmong(rules: readonly ScopedRule[], house: MarkupRule): FindRule {
  const by_scope = new Map<string, MarkupRule>(rules.map((rule) => [scopeName(scopeOf(rule)), rule]))
  return ({ id, category, provider_id }) =>
    (id === undefined ? undefined : by_scope.get(scopeName({ of: 'service', service_id: id }))) ??
    by_scope.get(scopeName({ of: 'category', category })) ??
    by_scope.get(scopeName({ of: 'provider', provider_id })) ??
    house
}

/** The figures of a rule alone. */
export function figuresOf({ percent_bp, fixed, minimum_margin, step }: MarkupRule): MarkupRule {
  return { percent_bp, fixed, minimum_margin, step }
}
