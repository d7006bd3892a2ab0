import { verifyActs } from '#server/domains/audit/verify-acts.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { verifyFinance } from '#server/domains/orders/finance/verify-finance.ts'
import { verifyKeyDays } from '#server/domains/orders/usage/verify-key-days.ts'
import { verifyOrders } from '#server/domains/orders/verify-orders.ts'
import { verifyDeposits } from '#server/domains/payments/deposits/verify-deposits.ts'
import { verifyPromoCodes } from '#server/domains/payments/promo-codes/verify-promo-codes.ts'
import { migrateAll, reachDatabase } from '../open-saldo.ts'
import { type Command, print, readArguments, say, withSaldo } from './command.ts'

/** `saldo migrate` */
export const migrateCommand: Command = {
  arguments: '',
  summary: 'Bring the database to this version',
  run: async (args, config) => {
    readArguments(args, [], { min: 0, max: 0 })
    const database = await reachDatabase(config, say)
    try {
      await migrateAll(database.url, say)
    } finally {
      await database.stop()
    }
    print('The database is up to date.')
    return 0
  },
}

/** `saldo verify`: exit code 1 when something is wrong. */
export const verifyCommand: Command = {
  arguments: '',
  summary: 'Prove the books and the audit on the live database; names the first wrong row',
  run: (args, config) => {
    readArguments(args, [], { min: 0, max: 0 })
    return withSaldo(config, async ({ app }) => {
      const ledger = await verifyLedger(app.db, { onProgress: say })
      const orders = await verifyOrders(app.db)
      const finance = await verifyFinance(app.db)
      const keys = await verifyKeyDays(app.db)
      const deposits = await verifyDeposits(app.db)
      const promos = await verifyPromoCodes(app.db)
      const audit = await verifyActs(app.db, { onProgress: say })
      const others = [...finance, ...keys, ...deposits.problems, ...promos.problems]
      const problems = [...ledger.problems, ...orders.problems, ...others, ...audit.problems]
      for (const problem of problems) print(`WRONG  ${describe(problem)}`)
      // Kept elsewhere, these two also show that no later state was put in the place of this one.
      print(`Ledger: ${ledger.seals} seals, the last ${ledger.head ?? 'not made yet'}`)
      print(`Audit: ${audit.acts} acts, ${audit.seals} seals, the last ${audit.head ?? 'not made yet'}`)
      if (problems.length > 0) return 1
      print('The books are sound.')
      return 0
    })
  },
}

function describe(problem: unknown): string {
  return JSON.stringify(problem, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}
