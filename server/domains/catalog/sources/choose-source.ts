import { unreachable } from '#server/kit/invariant.ts'
import type { Source, Strategy } from './source.ts'

/**
 * Chooses one of the sources that can be used, which are sorted by priority. Pure. `cheapest` takes the cheapest of those that do well, or of all when none does; equal ones by
 * priority. `chance` is 0 to below 1, and decides where it goes by weight. Undefined when there is none.
 */
export function chooseSource(strategy: Strategy, usable: readonly Source[], chance: number): Source | undefined {
  switch (strategy) {
    case 'fixed':
      return usable[0]
    case 'cheapest': {
      const healthy = usable.filter((source) => source.healthy)
      const among = healthy.length > 0 ? healthy : usable
      return among.toSorted(byCost)[0]
    }
    case 'weighted':
      return byWeight(usable, chance)
    default:
      return unreachable(strategy)
  }
}

function byCost(a: Source, b: Source): number {
  const [left, right] = [a.service.cost_usd ?? 0n, b.service.cost_usd ?? 0n]
  return left === right ? 0 : left < right ? -1 : 1
}

function byWeight(usable: readonly Source[], chance: number): Source | undefined {
  let left = chance * usable.reduce((sum, { weight }) => sum + weight, 0)
  for (const source of usable) {
    left -= source.weight
    if (left < 0) return source
  }
  return usable.at(-1)
}
