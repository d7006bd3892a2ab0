import { type Db, statement } from '#server/platform/db/database.ts'
import { type Provider, ProviderReadError } from './provider.ts'
import type { Providers } from './registry.ts'

/** Dispatching many orders asks a provider once in this time. Short, for the balance runs down while orders go out. */
const REMEMBERED_MS = 2_000

/** `unavailable` says nothing about the balance: the provider could not be asked. `balance` in minor units of `currency`, as it was not before `asked_at`. */
export type BalanceAnswer =
  | { status: 'ok'; balance: bigint; currency: string; asked_at: Date }
  | { status: 'unavailable'; reason: ProviderReadError['reason']; message: string }

const STORE_BALANCE = statement(`
  update providers.provider
  set balance = coalesce($3, balance), balance_read_at = case when $3::bigint is null then balance_read_at else $2 end, balance_status = $4, balance_error = $5, balance_checked_at = $2
  where id = $1 and (balance_checked_at is null or balance_checked_at <= $2)`)

/** `answered_ms` is missing while the provider is being asked. */
interface Remembered {
  answer: Promise<BalanceAnswer>
  answered_ms?: number
}

const remembered = new WeakMap<Providers, Map<bigint, Remembered>>()

/**
 * Asks the provider for our balance and stores the answer, or why there is none. An answer is remembered for a moment and shared by all
 * who ask meanwhile, unless `fresh`. Throws ProviderNotFoundError.
 */
export async function checkBalance(
  providers: Providers,
  provider_id: bigint,
  options: { fresh?: boolean } = {},
): Promise<BalanceAnswer> {
  const answers = remembered.get(providers) ?? new Map<bigint, Remembered>()
  remembered.set(providers, answers)
  const known = answers.get(provider_id)
  if (known && !options.fresh && isFresh(known, providers.clock.monotonic_ms())) return known.answer
  const entry: Remembered = { answer: askAndStore(providers, provider_id) }
  answers.set(provider_id, entry)
  try {
    return await entry.answer
  } catch (error) {
    if (answers.get(provider_id) === entry) answers.delete(provider_id)
    throw error
  } finally {
    entry.answered_ms = providers.clock.monotonic_ms()
  }
}

function isFresh(known: Remembered, now_ms: number): boolean {
  return known.answered_ms === undefined || now_ms - known.answered_ms < REMEMBERED_MS
}

async function askAndStore(providers: Providers, provider_id: bigint): Promise<BalanceAnswer> {
  const provider = await providers.providerById(provider_id)
  const at = providers.clock.now()
  const answer = await ask(provider, at)
  const outcome = answer.status === 'ok' ? 'ok' : answer.reason
  await storeBalance(providers.db, provider_id, at, answer)
  providers.metrics
    .counter('saldo_provider_balance_checks_total', 'Checks of our balance with providers.', ['provider', 'outcome'])
    .inc({ provider: provider.row.name, outcome })
  providers.log.info(
    { event: 'BALANCE_CHECK', provider_id, outcome, ...(answer.status === 'ok' ? { balance: answer.balance } : {}) },
    'provider balance checked',
  )
  return answer
}

async function ask(provider: Provider, asked_at: Date): Promise<BalanceAnswer> {
  try {
    return { status: 'ok', ...(await provider.balance()), asked_at }
  } catch (error) {
    if (!(error instanceof ProviderReadError)) throw error
    return { status: 'unavailable', reason: error.reason, message: error.message }
  }
}

async function storeBalance(db: Db, provider_id: bigint, at: Date, answer: BalanceAnswer): Promise<void> {
  const [balance, status, error] =
    answer.status === 'ok' ? [answer.balance, 'ok', null] : [null, answer.reason, answer.message]
  await db.query(STORE_BALANCE, [provider_id, at, balance, status, error])
}
