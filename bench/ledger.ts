import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { startLedgerWork } from '#server/domains/ledger/jobs.ts'
import { type Ledger, openLedger } from '#server/domains/ledger/post-entry.ts'
import { sealLag } from '#server/domains/ledger/queries.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { type Bench, type BenchContext, percentile, rounded } from './bench.ts'
import { zipfPicker } from './zipf.ts'

/** Callers at once, each waiting for its own transfer before the next: two batches, one under way while the other gathers. */
const CALLERS = 16_384
const WARM_UP_MS = 1_000
const MEASURE_MS = 5_000
const ACCOUNTS = 10_000
const ZIPF_ACCOUNTS = 100_000
/** Accounts have a limit, so that every transfer is checked, and one that no run reaches. */
const CREDIT_LIMIT = 10n ** 15n
/** One call of so many is timed. */
const SAMPLE = 16

/** Debit and credit of the next transfer: two different accounts. */
type NextPair = () => [bigint, bigint]

export const ledgerBench: Bench = {
  summary: 'durable transfers/s: accounts alike, one hot account, Zipf',
  run: async (context) => {
    const { app, say } = context
    const ledger = openLedger(app.db)
    const work = startLedgerWork(app)
    say(`Opening ${ZIPF_ACCOUNTS} accounts …`)
    const accounts = await openAccounts(context)
    const alike = accounts.slice(0, ACCOUNTS)
    const uniform = await measure(
      context,
      ledger,
      'uniform',
      pairOf(() => anyOf(alike)),
    )
    const hot = await measure(context, ledger, 'hot', hotPair(alike))
    const zipf = await measure(context, ledger, 'zipf', pairOf(zipfPicker(accounts)))
    const behind = await sealLag(app.db)
    await work.stop()
    await sealAll(context)
    const verified = await proveAll(context)
    return { uniform, hot, zipf, seal_lag_ms: rounded(behind.age_ms), verify: verified }
  },
}

async function openAccounts({ app }: BenchContext): Promise<bigint[]> {
  const names = Array.from({ length: ZIPF_ACCOUNTS }, (_, i) => ({
    owner_kind: 'bench',
    owner_id: BigInt(i),
    purpose: 'wallet',
    asset: 'USD',
    credit_limit: CREDIT_LIMIT,
  }))
  return app.db.transaction((tx) => ensureAccounts(tx, names))
}

function anyOf(accounts: readonly bigint[]): bigint {
  return accounts[Math.floor(Math.random() * accounts.length)] as bigint
}

function pairOf(pick: () => bigint): NextPair {
  return () => {
    const debit = pick()
    let credit = pick()
    while (credit === debit) credit = pick()
    return [debit, credit]
  }
}

/** All transfers go to or from the first account. */
function hotPair([hot, ...others]: bigint[]): NextPair {
  let turn = false
  return () => {
    turn = !turn
    return turn ? [hot as bigint, anyOf(others)] : [anyOf(others), hot as bigint]
  }
}

async function measure({ say, yardstick_tps }: BenchContext, ledger: Ledger, name: string, next: NextPair) {
  say(`Measuring ${name} …`)
  const latencies: number[] = []
  let posted = 0
  let calls = 0
  let stop = false
  async function call(): Promise<void> {
    while (!stop) {
      const [debit, credit] = next()
      calls += 1
      const key = `${name}:${calls}`
      const begin = calls % SAMPLE === 0 ? performance.now() : undefined
      const amount = BigInt(1 + (calls % 1000))
      const movements = [{ kind: 'transfer', debit, credit, amount, reason: 'bench' } as const]
      const outcome = await ledger.postEntry({ key, movements })
      if (!outcome.ok) throw new Error(`a transfer was refused: ${outcome.refusal}`)
      posted += 1
      if (begin !== undefined) latencies.push(performance.now() - begin)
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, call))
  await wait(WARM_UP_MS)
  latencies.length = 0
  const posted_before = posted
  const begin = performance.now()
  await wait(MEASURE_MS)
  const tps = (posted - posted_before) / ((performance.now() - begin) / 1000)
  stop = true
  await callers
  const sorted = Float64Array.from(latencies).sort()
  const figures = { tps: rounded(tps), ratio: rounded(tps / yardstick_tps) }
  return { ...figures, p50_ms: rounded(percentile(sorted, 0.5)), p99_ms: rounded(percentile(sorted, 0.99)) }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function sealAll({ app, say }: BenchContext): Promise<void> {
  say('Sealing what is left …')
  while ((await sealBlocks(app.db)).is_full) say('… and more')
}

async function proveAll({ app, say }: BenchContext) {
  say('Verifying …')
  const { ok, problems, transfers, duration_ms } = await verifyLedger(app.db)
  if (!ok) throw new Error(`the ledger is wrong: ${JSON.stringify(problems[0])}`)
  return { clean: true, transfers: Number(transfers), duration_ms: rounded(duration_ms) }
}
