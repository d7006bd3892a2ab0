import type { App } from '#server/platform/app.ts'
import { int8Column, textArray } from '#server/platform/db/arrays.ts'
import { Conditions } from '#server/platform/db/conditions.ts'
import { statement } from '#server/platform/db/database.ts'
import { DEPOSIT_COLUMNS, type Deposit, type DepositState } from './deposit.ts'

/** More are asked for page by page. */
export const DEPOSITS_PAGE_MAX = 100

/** More of one payment's deposits are not told: that many are a warning already. */
const NAMESAKES_MAX = 10

export interface DepositFilter {
  states?: readonly DepositState[] | undefined
  user_id?: bigint | undefined
  method?: string | undefined
  /** As `referenceKey` makes it. */
  reference_key?: string | undefined
}

/** Deposits, newest first, those below the id `before` where it is given. */
export async function listDeposits(
  app: Pick<App, 'db'>,
  { states, user_id, method, reference_key }: DepositFilter,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<{ deposits: Deposit[]; has_more: boolean }> {
  const where = new Conditions()
  if (states !== undefined) where.add(`state = any(${where.value(textArray(states))}::text[])`)
  if (user_id !== undefined) where.add(`user_id = ${where.value(user_id)}`)
  if (method !== undefined) where.add(`method = ${where.value(method)}`)
  if (reference_key !== undefined) where.add(`reference_key = ${where.value(reference_key)}`)
  if (before !== undefined) where.add(`id < ${where.value(before)}`)
  const page = Math.max(1, Math.min(limit, DEPOSITS_PAGE_MAX))
  const sql = `select ${DEPOSIT_COLUMNS} from payments.deposit where ${where.sql} order by id desc limit ${page + 1}`
  const rows = await app.db.query<Deposit>(sql, where.values)
  return { deposits: rows.slice(0, page), has_more: rows.length > page }
}

const FIND = statement(`select ${DEPOSIT_COLUMNS} from payments.deposit where id = $1`)

/** The deposit of this number, or undefined. */
export async function findDeposit(app: Pick<App, 'db'>, id: bigint): Promise<Deposit | undefined> {
  return (await app.db.query<Deposit>(FIND, [id]))[0]
}

/** Another deposit that names the same payment. */
export type Namesake = Pick<Deposit, 'id' | 'user_id' | 'state'>

const NAMESAKES = statement(`
  select wanted.id as of, other.id, other.user_id, other.state
  from unnest($1::bigint[], $2::text[]) as wanted (id, reference_key)
  cross join lateral (
    select id, user_id, state from payments.deposit
    where reference_key = wanted.reference_key and id <> wanted.id order by id desc limit ${NAMESAKES_MAX}) as other
  order by wanted.id, other.id`)

/** The other deposits that name the same payment as each of these, whoever made them and whatever became of them; a few. */
export async function namesakesOf(
  app: Pick<App, 'db'>,
  deposits: readonly Deposit[],
): Promise<(deposit: Deposit) => Namesake[]> {
  const values = [int8Column(deposits, ({ id }) => id), textArray(deposits.map((each) => each.reference_key))]
  const rows = deposits.length === 0 ? [] : await app.db.query<Namesake & { of: bigint }>(NAMESAKES, values)
  const found = Map.groupBy(rows, (row) => row.of)
  return ({ id }) => found.get(id) ?? []
}
