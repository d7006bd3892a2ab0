import { type Actor, SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { statement } from '#server/platform/db/database.ts'
import { lockPrices } from '../queries.ts'
import { forgetServices } from '../sellable-services.ts'
import { type CatalogApp, SALE_ASSET } from '../service.ts'
import type { ServiceChange } from '../write-services.ts'
import { CurrencyUnknownError, RateJumpsError } from './errors.ts'
import { latestRates } from './queries.ts'
import { repriceCurrencies } from './reprice-currencies.ts'

/** A rate that moves by more than this much of itself at once is more often a slip of the pen than the market. */
const JUMP_PERCENT = 20n

/** What a unit of a currency is worth, as someone says. */
export interface SetExchangeRate {
  asset: string
  /** 10^-12 USD for one whole unit. */
  usd_per_unit: bigint
  /** Where it was read. */
  source: string
  /** A jump is meant so. */
  confirm?: boolean | undefined
  by?: Actor | undefined
}

const known = statement('select 1 as known from ledger.asset where code = $1')
const insert = statement(
  'insert into catalog.exchange_rate (asset, usd_per_unit, at, source, user_id) values ($1, $2, $3, $4, $5)',
)

/**
 * Sets what a currency is worth from now on, and prices all that is billed in it anew in the same transaction. Setting the same again makes it fresh again. Throws
 * CurrencyUnknownError for one the house does not know, and for the dollar; RateJumpsError for a jump that is not confirmed. Answers what changed.
 */
export async function setExchangeRate(app: CatalogApp, input: SetExchangeRate): Promise<ServiceChange[]> {
  const { asset, usd_per_unit, source, confirm, by = SYSTEM } = input
  const changes = await app.db.transaction(async (tx) => {
    await lockPrices(tx)
    if (asset === SALE_ASSET || (await tx.query(known, [asset])).length === 0) throw new CurrencyUnknownError()
    const before = (await latestRates(tx)).find((rate) => rate.asset === asset)
    if (before && !confirm && jumps(before.usd_per_unit, usd_per_unit)) throw new RateJumpsError()
    const at = app.clock.now()
    tx.send(insert, [asset, usd_per_unit, at, source, by.user_id ?? null])
    const changes = await repriceCurrencies(app, tx, [asset], { by, at })
    recordActs(tx, [
      {
        action: 'prices.exchange_rate_set',
        actor: by,
        subject: { kind: 'currency', id: asset },
        ...(before && { before: { usd_per_unit: before.usd_per_unit, source: before.source } }),
        after: { usd_per_unit, source, changed: changes.length },
      },
    ])
    return changes
  })
  if (changes.length > 0) await forgetServices(app)
  return changes
}

function jumps(before: bigint, after: bigint): boolean {
  const moved = after > before ? after - before : before - after
  return moved * 100n > before * JUMP_PERCENT
}
