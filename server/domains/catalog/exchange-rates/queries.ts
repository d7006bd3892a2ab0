import { statement, type Tx } from '#server/platform/db/database.ts'

/** What a currency is worth, who said so and when. */
export interface ExchangeRate {
  asset: string
  /** 10^-12 USD for one whole unit. */
  usd_per_unit: bigint
  at: Date
  source: string
  user_id: bigint | null
}

const latest = statement(`
  select latest.asset, latest.usd_per_unit, latest.at, latest.source, latest.user_id
  from ledger.asset, lateral (
    select * from catalog.exchange_rate where exchange_rate.asset = asset.code order by id desc limit 1) as latest
  order by latest.asset`)

/** The rate that counts of each currency that has one, fresh or not. */
export function latestRates(tx: Pick<Tx, 'query'>): Promise<ExchangeRate[]> {
  return tx.query<ExchangeRate>(latest)
}
