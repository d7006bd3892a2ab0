import { expect, test } from 'vitest'
import { testLedger } from '#test/support/ledger.ts'
import { sealBlocks } from './seal.ts'

async function setup() {
  const { db, wallets, fund, move } = await testLedger(2)
  const [ann, bob] = wallets as [bigint, bigint]
  await fund(ann, 100n)
  const hold = await move({ kind: 'hold', account: ann, amount: 10n })
  await move({ kind: 'release', hold, amount: 5n })
  await move({ kind: 'transfer', debit: ann, credit: bob, amount: 1n, reason: 'test' })
  const back = await fund(bob, 3n)
  await move({ kind: 'reverse', transfer: back, reason: 'test' })
  await sealBlocks(db)
  return db
}

const SET = {
  account_name: 'asset = asset',
  transfer: 'amount = amount + 1',
  release: 'amount = amount',
  entry: 'hash = hash',
  reversal: 'transfer = transfer',
  seal: 'hash = hash',
  sealed_block: 'movements = movements',
  line: 'movement = movement',
  hold: 'amount = amount + 1',
}

test.for(Object.entries(SET))('no row of ledger.%s is changed, deleted or emptied', async ([table, set]) => {
  const db = await setup()
  const [count] = await db.query<{ count: bigint }>(`select count(*) from ledger.${table}`)
  expect(count?.count).toBeGreaterThan(0n)
  for (const sql of [
    `update ledger.${table} set ${set}`,
    `delete from ledger.${table}`,
    `truncate ledger.${table} cascade`,
  ]) {
    await expect(db.query(sql), sql).rejects.toMatchObject({ code: '23001' })
  }
})

test('the database itself refuses what no decision lets pass', async () => {
  const db = await setup()
  const attempts = {
    balance_covered: `update ledger.balance set posted = -1 where credit_limit = 0`,
    balance_held_check: `update ledger.balance set held = -1`,
    hold_not_exceeded: `update ledger.hold set captured = amount + 1`,
    hold_closed: `update ledger.hold set captured = amount - released`,
    line_once: `insert into ledger.line select account, version, movement + 1 from ledger.line limit 1`,
    entry_once: `insert into ledger.entry select * from ledger.entry limit 1`,
    account_once: `insert into ledger.account_name (owner_kind, owner_id, purpose, asset) select owner_kind, owner_id, purpose, asset from ledger.account_name limit 1`,
    reversal_once: `insert into ledger.reversal select * from ledger.reversal limit 1`,
  }
  for (const [constraint, sql] of Object.entries(attempts)) {
    await expect(db.query(sql), constraint).rejects.toMatchObject({ constraint })
  }
})
