import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { verifyOrders } from '#server/domains/orders/verify-orders.ts'
import { encodeJson } from '#server/kit/json.ts'
import { parseAmount } from '#server/kit/money.ts'
import type { Demo, DemoProvider } from './play-storm.ts'
import { row, usd } from './table.ts'

const OURS = `
  select posted from ledger.account where owner_kind = 'provider' and owner_id = $1 and purpose = 'prepaid' and asset = 'USD'`

/** Proves our books, holds them against the providers' own, and says so. Answers whether all is as it must be. */
export async function compareBooks({ app }: Demo, providers: readonly DemoProvider[]): Promise<boolean> {
  const told = (text: string) => process.stdout.write(`${text}\n`)
  const ledger = await verifyLedger(app.db)
  const orders = await verifyOrders(app.db)
  const problems = [...ledger.problems, ...orders.problems]
  told(
    problems.length === 0 ? `verify: ${orders.orders} orders, the books are sound` : `verify: ${encodeJson(problems)}`,
  )
  told('')
  told(row('', ['at the provider', 'ordered twice', 'balance: theirs', 'ours', 'difference']))
  const links = new Map<string, number>()
  let sound = problems.length === 0
  for (const { name, id, panel } of providers) {
    const summary = await panel.control.summary()
    const theirs = parseAmount(summary.balance, 6) ?? 0n
    const [ours] = await app.db.query<{ posted: bigint }>(OURS, [id])
    const difference = theirs - (ours?.posted ?? 0n)
    const twice = summary.links_ordered_more_than_once
    told(row(name, [String(summary.orders_accepted), String(twice), usd(theirs), usd(ours?.posted), usd(difference)]))
    for (const { link } of await panel.control.allOrders()) links.set(link, (links.get(link) ?? 0) + 1)
    sound &&= difference === 0n && twice === 0
  }
  const at_both = [...links.values()].filter((n) => n > 1).length
  told(row('ordered at both', [String(at_both)]))
  return sound && at_both === 0
}
