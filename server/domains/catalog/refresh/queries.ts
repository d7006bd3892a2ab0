import { statement, type Tx } from '#server/platform/db/database.ts'

/** How the refresh of a provider's prices stands. */
export interface RefreshState {
  provider_id: bigint
  tried_at: Date
  /** Why the last try brought nothing, or not all. */
  problem: string | null
  /** When the list last applied was asked for, and how many services it had. */
  listed_at: Date | null
  listed: number | null
  /** How many services a list had that was not trusted when it was read last; null: none was distrusted. */
  distrusted: number | null
}

const stateOf = statement(
  'select provider_id, tried_at, problem, listed_at, listed, distrusted from catalog.refresh where provider_id = $1',
)

/** How the refresh of a provider's prices stands; undefined before the first. */
export async function selectRefresh(tx: Pick<Tx, 'query'>, provider_id: bigint): Promise<RefreshState | undefined> {
  return (await tx.query<RefreshState>(stateOf, [provider_id]))[0]
}
