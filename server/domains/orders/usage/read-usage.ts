import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import type { DayRange } from '../finance/queries.ts'
import { readBalances } from '../read-balances.ts'
import { UsageTooLongError } from './errors.ts'
import {
  assertOwned,
  type KeyNamed,
  keyDaysProgress,
  keysNamed,
  USAGE_COLUMNS,
  type Usage,
  type UsageRow,
  usageRows,
} from './queries.ts'

/** What one answer has at the most: a quarter of a year of fifty keys. The file has all. */
export const USAGE_ROWS_MAX = 5_000

/** What a customer's keys were used for. */
export interface UsageRead {
  /** Up to when the orders are in; null before there are any. */
  as_of: Date | null
  /** Minor units of SALE_ASSET. */
  balance: { posted: bigint; held: bigint; available: bigint }
  total: Usage
  /** Each key with anything to tell, or that is open; without a key last, where there is anything. */
  keys: { key: KeyNamed | undefined; total: Usage }[]
  rows: UsageRow[]
}

/** The use of a customer's keys, or of one. Throws ApiKeyNotFoundError, for another owner's key too, and UsageTooLongError. */
export async function readUsage(
  app: Pick<App, 'db' | 'clock'>,
  customer_id: bigint,
  range: DayRange,
  key_id?: bigint,
): Promise<UsageRead> {
  if (key_id !== undefined) await assertOwned(app, customer_id, key_id)
  const now = app.clock.now()
  const { at, complete } = await keyDaysProgress(app)
  const rows = await usageRows(app, { customer_id, key_id }, range, USAGE_ROWS_MAX + 1)
  if (rows.length > USAGE_ROWS_MAX) throw new UsageTooLongError(USAGE_ROWS_MAX)
  const by_key = Map.groupBy(rows, (row) => row.key_id)
  const ids = key_id === undefined ? [...by_key.keys()] : [key_id]
  const named = await keysNamed(app, customer_id, ids, key_id === undefined)
  const keys = named.map((key) => ({ key, total: sumOf(by_key.get(key.id) ?? []) }))
  const without = by_key.get(0n)
  const [balance] = await readBalances(app.db, [customer_id])
  return {
    as_of: complete ? now : at,
    balance: balance ?? { posted: 0n, held: 0n, available: 0n },
    total: sumOf(rows),
    keys: without ? [...keys, { key: undefined, total: sumOf(without) }] : keys,
    rows,
  }
}

function sumOf(rows: readonly Usage[]): Usage {
  const sum = Object.fromEntries(USAGE_COLUMNS.map((name) => [name, 0n])) as Usage
  for (const row of rows) for (const name of USAGE_COLUMNS) sum[name] += present(row[name], 'a figure')
  return sum
}
