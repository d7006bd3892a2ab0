import { expect, test } from 'vitest'
import type { Statement, Tx } from '#server/platform/db/database.ts'
import { testLedger } from '#test/support/ledger.ts'
import type { Movement } from './entry.ts'
import { postEntries } from './post-entries.ts'
import { accountNamed, balancesOf, openHoldsOf } from './queries.ts'
import { sealBlocks } from './seal.ts'
import { balanceAt, statementOf } from './statement.ts'

const ROWS = 20_000

/** Many accounts, keys and holds, of which the planner has been told nothing yet: so is a young ledger under load. */
async function setup() {
  const ledger = await testLedger(2)
  const { db, fund, move, wallets } = ledger
  const [ann, bob] = wallets as [bigint, bigint]
  await fund(ann, 1_000n)
  const transfer = await fund(bob, 1n)
  const hold = await move({ kind: 'hold', account: ann, amount: 50n, subject: { kind: 'order', id: 7n } })
  await sealBlocks(db)
  await db.query(`insert into ledger.account_name (owner_kind, owner_id, purpose, asset)
    select 'many', n, 'wallet', 'USD' from generate_series(1, ${ROWS}) as n`)
  await db.query(
    `insert into ledger.balance (account, asset) select id, asset from ledger.account_name where owner_kind = 'many'`,
  )
  await db.query(
    `insert into ledger.entry (key, hash, refusal) select 'many ' || n, gen_random_uuid(), 'test' from generate_series(1, ${ROWS}) as n`,
  )
  await db.query(`insert into ledger.hold (id, entry, account, amount, captured, posted, held, version, at, state, subject_kind, subject_id)
    select -n, -n, 1, 1, 1, 0, 0, 1, now(), 'closed', 'order', n from generate_series(1, ${ROWS}) as n`)
  await db.query(`insert into ledger.line select 1000000, n, n from generate_series(1, ${ROWS}) as n`)
  await db.query(`insert into ledger.sealed_block (block, seal, first_line, movements, hash, at)
    select -n, 1, n, 1, sha256(''), now() from generate_series(1, ${ROWS}) as n`)
  return { ...ledger, ann, bob, transfer, hold }
}

const GROWING = /Seq Scan on (balance|account_name|entry|hold|line|sealed_block|transfer_\w+|release_\w+|reversal)\b/

/** Runs each statement as it is, and its plan first: both the one for these values and the one kept for all. */
function explaining(tx: Tx, bad: string[]): { tx: Tx; done: () => Promise<unknown> } {
  const explained: Promise<void>[] = []
  const explain = async (sql: Statement | string, values: readonly unknown[] = []) => {
    const text = typeof sql === 'string' ? sql : sql.text
    const plan = await tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n')
    if (GROWING.test(lines)) bad.push(`${text}\n${lines}`)
  }
  return {
    tx: {
      ...tx,
      query: (sql, values) => {
        explained.push(explain(sql, values))
        return tx.query(sql, values)
      },
      send: (sql, values) => {
        explained.push(explain(sql, values))
        tx.send(sql, values)
      },
    },
    done: () => Promise.all(explained),
  }
}

test.for(['force_custom_plan', 'force_generic_plan'])('nothing that grows is read whole, with %s', async (mode) => {
  const { db, ann, bob, world, transfer, hold } = await setup()
  const movements: Movement[] = [
    { kind: 'transfer', debit: world, credit: bob, amount: 5n, reason: 'test' },
    { kind: 'hold', account: ann, amount: 5n },
    { kind: 'capture', hold, credit: bob, amount: 5n, reason: 'test' },
    { kind: 'reverse', transfer, reason: 'test' },
  ]
  const bad: string[] = []
  await db.transaction(async (tx) => {
    tx.send(`set local plan_cache_mode = ${mode}`)
    const { tx: reader, done } = explaining(tx, bad)
    expect(await postEntries(reader, [{ key: 'k', movements }])).toMatchObject([{ ok: true }])
    await accountNamed(reader, { owner_kind: 'customer', owner_id: 1n, purpose: 'wallet', asset: 'USD' })
    await balancesOf(reader, [ann, bob])
    await openHoldsOf(reader, { kind: 'order', id: 7n })
    await statementOf(reader, ann, { limit: 100 })
    await balanceAt(reader, ann, new Date())
    await sealBlocks({ ...db, transaction: (work) => work(reader) })
    await done()
  })
  expect(bad).toEqual([])
})
