import { appendFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import type { Entry, EntryOutcome, Movement } from '#server/domains/ledger/entry.ts'
import { type Ledger, openLedger } from '#server/domains/ledger/post-entry.ts'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { type Db, openDatabase } from '#server/platform/db/database.ts'
import { migrate } from '#server/platform/db/migrate.ts'
import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'
import { SMALL } from '../support/embedded-postgres-settings.ts'

// A program: owns a PostgreSQL on the home given, posts under load until it is killed, and writes each outcome that it was told into a file, one line each.
const [home, acknowledged, generation] = process.argv.slice(2) as [string, string, string]

const CALLERS = 48
const WALLETS = 20
/** After an error a caller asks again with the same key; so soon that the new server is busy at once. */
const RETRY_MS = 20

const postgres = await startEmbeddedPostgres({ home, onProgress: () => {}, settings: SMALL })
await migrate(postgres.url)
const db = openDatabase({ url: postgres.url, connections: 4, application_name: 'crash', onError: () => {} })
const ledger = openLedger(db)
const [world, ...wallets] = await openAccounts(db)
process.send?.({ url: postgres.url, data: postgres.data_directory })
await Promise.all([...Array.from({ length: CALLERS }, (_, i) => call(ledger, i)), seal()])

async function openAccounts(db: Db): Promise<bigint[]> {
  const names = Array.from({ length: WALLETS + 1 }, (_, i) => ({
    owner_kind: 'crash',
    owner_id: BigInt(i),
    purpose: 'wallet',
    asset: 'USD',
    credit_limit: i === 0 ? null : 0n,
  }))
  return db.transaction((tx) => ensureAccounts(tx, names))
}

async function call(ledger: Ledger, caller: number): Promise<void> {
  for (let i = 0; ; i++) {
    const wallet = wallets[(caller + i) % WALLETS] as bigint
    const other = wallets[(caller + i * 7 + 1) % WALLETS] as bigint
    const name = `${generation}:${caller}:${i}`
    await post(ledger, `${name}:fund`, [transferOf(world as bigint, wallet, 100n)])
    const held = await post(ledger, `${name}:hold`, [{ kind: 'hold', account: wallet, amount: 60n }])
    if (held.ok)
      await post(ledger, `${name}:settle`, settlementOf(held.id, other === wallet ? (world as bigint) : other))
    await post(ledger, `${name}:over`, [
      transferOf(world as bigint, wallet, 5n),
      transferOf(wallet, world as bigint, 10n ** 12n),
    ])
  }
}

function transferOf(debit: bigint, credit: bigint, amount: bigint): Movement {
  return { kind: 'transfer', debit, credit, amount, reason: 'crash' }
}

function settlementOf(hold: bigint, credit: bigint): Movement[] {
  return [
    { kind: 'capture', hold, credit, amount: 20n, reason: 'crash' },
    { kind: 'capture', hold, credit: world as bigint, amount: 5n, reason: 'crash' },
    { kind: 'release', hold, amount: 'rest' },
  ]
}

/** Posts until it is told an outcome, which it writes down. The key says how many movements the entry has. */
async function post(ledger: Ledger, name: string, movements: Movement[]): Promise<EntryOutcome> {
  const entry: Entry = { key: `${name}:${movements.length}`, movements }
  for (;;) {
    try {
      const outcome = await ledger.postEntry(entry)
      appendFileSync(acknowledged, `${entry.key} ${outcome.ok ? outcome.id : outcome.refusal}\n`)
      return outcome
    } catch {
      // The server is away, or was while the answer was under way: not known, so asked again.
      await wait(RETRY_MS)
    }
  }
}

async function seal(): Promise<void> {
  for (;;) {
    // Fails while the server is away; the next pass takes what this one would have.
    await sealBlocks(db).catch(() => undefined)
    await wait(100)
  }
}
