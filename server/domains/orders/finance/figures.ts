/** What was earned and spent: counts, and amounts in minor units of one asset. */
export interface Figures {
  /** Orders placed, and orders that ended so. */
  placed: bigint
  completed: bigint
  partial: bigint
  cancelled: bigint
  /** What was held for orders when they were placed. */
  charged: bigint
  /** What was captured for what was delivered, less what came back later. */
  turnover: bigint
  /** What was held and given back. */
  returned: bigint
  /** What providers took. */
  cost: bigint
  deposit_count: bigint
  /** What customers paid in and was credited; what staff put right; what the house gave away, less what it took back; and whatever else came onto their wallets or left them. */
  deposits: bigint
  adjustments: bigint
  bonuses: bigint
  other: bigint
}

/** The columns of `Figures`. */
export const FIGURE_COLUMNS = [
  'placed',
  'completed',
  'partial',
  'cancelled',
  'charged',
  'turnover',
  'returned',
  'cost',
  'deposit_count',
  'deposits',
  'adjustments',
  'bonuses',
  'other',
] as const satisfies readonly (keyof Figures)[]

/** The figures of one asset. */
export type AssetFigures = Figures & { asset: string }

const NOTHING = Object.fromEntries(FIGURE_COLUMNS.map((name) => [name, 0n])) as unknown as Figures

/** The sums of several, an asset each. */
export function sumOf(all: readonly AssetFigures[]): AssetFigures[] {
  const sums = new Map<string, AssetFigures>()
  for (const each of all) {
    const sum = sums.get(each.asset) ?? { asset: each.asset, ...NOTHING }
    for (const name of FIGURE_COLUMNS) sum[name] += each[name]
    sums.set(each.asset, sum)
  }
  return [...sums.values()]
}

/** `whole` without `part`, an asset each; assets of which nothing is left are left out. */
export function lessOf(whole: readonly AssetFigures[], part: readonly AssetFigures[]): AssetFigures[] {
  const negative = part.map((each) => {
    const figures = { ...each }
    for (const name of FIGURE_COLUMNS) figures[name] = -each[name]
    return figures
  })
  return sumOf([...whole, ...negative]).filter((each) => FIGURE_COLUMNS.some((name) => each[name] !== 0n))
}
