import { verifyLedger } from '#server/domains/ledger/verify.ts'
import type { App } from '#server/platform/app.ts'
import { errorText } from '#server/platform/jobs/error-text.ts'
import { emit } from '#server/platform/outbox/emit.ts'
import { type BooksVerified, booksVerified } from './events.ts'
import { verifyFinance } from './finance/verify-finance.ts'
import { verifyKeyDays } from './usage/verify-key-days.ts'
import { verifyOrders } from './verify-orders.ts'

/** What is told of a problem, in characters. */
const PROBLEM_MAX = 250

/** Proves the ledger, then the orders, then the sums of finance and of keys, as `saldo verify` does, and tells what was found. A proof that fails to end is told as well: silence would look like health. */
export async function verifyBooks(app: Pick<App, 'db' | 'log'>): Promise<void> {
  const found = await prove(app)
  await app.db.transaction(async (tx) => emit(tx, booksVerified, [found]))
}

async function prove({ db, log }: Pick<App, 'db' | 'log'>): Promise<BooksVerified> {
  try {
    const ledger = await verifyLedger(db)
    const [wrong] = ledger.problems
    if (wrong) {
      return {
        ok: false,
        problem: cut(`${wrong.table} ${wrong.id}: ${wrong.what}, ${wrong.found} for ${wrong.expected}`),
      }
    }
    const orders = await verifyOrders(db)
    const [odd] = orders.problems
    if (odd) return { ok: false, problem: cut(`order ${odd.order_id}: ${odd.what}`) }
    const [sum] = await verifyFinance(db)
    if (sum) return { ok: false, problem: cut(`finance in ${sum.asset}: ${sum.what}`) }
    const [use] = await verifyKeyDays(db)
    return use ? { ok: false, problem: cut(use.what) } : { ok: true }
  } catch (err) {
    log.error({ err }, 'the books could not be proven')
    return { ok: false, unproven: cut(errorText(err)) }
  }
}

function cut(text: string): string {
  return text.slice(0, PROBLEM_MAX).toWellFormed()
}
