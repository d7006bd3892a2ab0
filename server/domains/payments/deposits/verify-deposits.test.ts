import { expect, test } from 'vitest'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { on } from '#server/platform/outbox/subscription.ts'
import { editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, type IdentityApp, identityApp } from '#test/support/identity.ts'
import { depositsVerified } from '../events.ts'
import { askDeposit } from './ask-deposit.ts'
import { decideDeposit } from './decide-deposit.ts'
import { tellVerifiedDeposits, verifyDeposits } from './verify-deposits.ts'

/** A deposit that is approved, one that is refused, and one that waits. */
async function setup() {
  const app = await identityApp()
  const { id: user_id } = await aUser(app)
  const editor = await editorFor(app, user_id)
  const ask = async (reference: string) =>
    (await askDeposit(app, editor, { user_id, amount: 5_000_000n, method: 'bank_transfer', reference })).id
  const [approved, refused] = [await ask('A1'), await ask('A2')]
  await ask('A3')
  await decideDeposit(app, TERMINAL, { id: approved, verdict: 'approve' })
  await decideDeposit(app, TERMINAL, { id: refused, verdict: 'refuse', reason: 'x' })
  return { app, approved }
}

/** What someone with access to the database might do, past every verb. */
async function tamper({ db }: IdentityApp, sql: string): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(sql)
  })
}

test('sound deposits have no problem', async () => {
  const { app } = await setup()
  expect(await verifyDeposits(app.db)).toEqual({ deposits: 3n, problems: [] })
})

test.each([
  ['deposit_movement', `delete from ledger.transfer where reason = 'deposit.approved'`],
  ['deposit_movement', `update ledger.transfer set amount = amount + 1 where reason = 'deposit.approved'`],
  ['deposit_movement', `update ledger.transfer set credit = debit, debit = credit where reason = 'deposit.approved'`],
  ['deposit_movement', `update ledger.transfer set reason = 'gift' where reason = 'deposit.approved'`],
  ['deposit_movement', `update ledger.transfer set subject_id = 99 where reason = 'deposit.approved'`],
  ['deposit_movement', 'update payments.deposit set movement = 99 where movement is not null'],
  [
    'movement_without_deposit',
    `update payments.deposit set state = 'expired', movement = null where state = 'approved'`,
  ],
  ['movement_without_deposit', `delete from payments.deposit where state = 'approved'`],
])('%s: the deposit is named after %s', async (check, sql) => {
  const { app, approved } = await setup()
  await tamper(app, sql)
  const { problems } = await verifyDeposits(app.db)
  expect(problems).toContainEqual({ check, deposit_id: approved, what: expect.any(String) })
})

test('what the nightly proof found is told, well or not', async () => {
  const { app, approved } = await setup()
  const told: object[] = []
  const subscription = on(depositsVerified, async (_tx, _app, events) => {
    told.push(...events.map(({ payload }) => payload))
  })
  const tell = async () => {
    await tellVerifiedDeposits(app)
    while (await publishFresh(app, [subscription]));
  }
  await tell()
  await tamper(app, `update ledger.transfer set amount = amount + 1 where reason = 'deposit.approved'`)
  await tell()
  const problem = `deposit ${approved}: 5000001 was moved, and 5000000 was approved`
  expect(told).toEqual([{}, { problem }])
})
