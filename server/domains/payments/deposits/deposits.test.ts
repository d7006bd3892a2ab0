import { describe, expect, test } from 'vitest'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { formatAmount } from '#server/kit/money.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, type IdentityApp, identityApp } from '#test/support/identity.ts'
import { walletOf, world } from '../accounts.ts'
import { type AskDeposit, askDeposit } from './ask-deposit.ts'
import { cancelDeposit } from './cancel-deposit.ts'
import { type DecideDeposit, decideDeposit } from './decide-deposit.ts'
import { expireDeposits } from './expire-deposits.ts'
import { findDeposit, listDeposits, namesakesOf } from './queries.ts'

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
const USD = 1_000_000n
const DAY_MS = 24 * 60 * 60_000

type By = Parameters<typeof decideDeposit>[1]

async function aCustomer(app: IdentityApp) {
  const { id } = await aUser(app)
  const editor = await editorFor(app, id)
  const ask = (usd: bigint, reference: string, more: Partial<AskDeposit> = {}) =>
    askDeposit(app, editor, { user_id: id, amount: usd * USD, method: 'bank_transfer', reference, ...more })
  const balance = async () => {
    const ids = await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(id), world()]))
    const found = await balancesOf(app.db, ids)
    return ids.map((each) => formatAmount(found.get(each)?.posted ?? 0n, 6, 0))
  }
  return { id, editor, ask, balance }
}

async function setup() {
  const app = await identityApp()
  const [desk, chief] = [await anEditor(app, ['deposits:decide']), await anEditor(app, ['deposits:decide'])]
  const approve = (id: bigint, by: By = desk, more: { amount?: bigint; reason?: string } = {}) =>
    decideDeposit(app, by, { id, verdict: 'approve', ...more })
  const refuse = (id: bigint, by: By = desk) => decideDeposit(app, by, { id, verdict: 'refuse', reason: 'Not found.' })
  return { app, desk, chief, approve, refuse, customer: await aCustomer(app) }
}

async function changesOf(app: IdentityApp) {
  const rows = await app.db.query<{ state: string; credited: unknown }>(
    `select payload->>'state' as state, payload->'credited'->>'$bigint' as credited from platform.outbox
     where type = 'payments.deposit_changed' order by id`,
  )
  return rows.map(({ state, credited }) => [state, credited])
}

describe('a deposit', () => {
  test('is asked for, approved and credited once; the same verdict again answers as before', async () => {
    const { app, desk, approve, refuse, customer } = await setup()
    const { id, ...asked } = await customer.ask(50n, ' TRX-1 ', { note: 'From my brother.' })
    expect(asked).toMatchObject({ state: 'pending', amount: 50n * USD, approved_amount: null, settled_at: null })
    expect(await customer.balance()).toEqual(['0', '0'])
    for (let i = 0; i < 2; i++) {
      expect(await approve(id)).toMatchObject({ state: 'approved', approved_amount: 50n * USD, decided_by: desk.id })
    }
    expect(await refused(approve(id, desk, { amount: USD, reason: 'x' }))).toBe('deposit_settled')
    expect(await refused(refuse(id))).toBe('deposit_settled')
    expect(await customer.balance()).toEqual(['50', '-50'])
    expect(await changesOf(app)).toEqual([
      ['pending', null],
      ['approved', '50000000'],
    ])
    expect((await actsOf(app)).filter(({ action }) => action.startsWith('deposits.'))).toMatchObject([
      { action: 'deposits.asked', user_id: customer.id, after: { amount: '50000000', reference: ' TRX-1 ' } },
      { action: 'deposits.approved', user_id: desk.id, subject_id: String(customer.id), before: { state: 'pending' } },
    ])
  })

  test('of which another amount came in is credited with that, and with the reason for it', async () => {
    const { approve, customer } = await setup()
    const { id } = await customer.ask(50n, 'A1')
    expect(await refused(approve(id, TERMINAL, { amount: 48n * USD }))).toBe('reason_required')
    for (const amount of [0n, -USD, 2n ** 63n]) {
      expect(await refused(approve(id, TERMINAL, { amount, reason: 'x' }))).toBe('amount_refused')
    }
    const done = await approve(id, TERMINAL, { amount: 48n * USD, reason: 'A fee.' })
    expect(done).toMatchObject({ state: 'approved', amount: 50n * USD, approved_amount: 48n * USD })
    expect(done.decision_reason).toBe('A fee.')
    expect(await customer.balance()).toEqual(['48', '-48'])
  })

  test('that is refused moves nothing, and may be asked for again under the same reference', async () => {
    const { app, desk, approve, refuse, customer } = await setup()
    const { id } = await customer.ask(50n, 'A1')
    for (let i = 0; i < 2; i++) {
      expect(await refuse(id)).toMatchObject({ state: 'refused', decided_by: desk.id, decision_reason: 'Not found.' })
    }
    expect(await refused(approve(id))).toBe('deposit_settled')
    expect(await refused(cancelDeposit(app, customer.editor, { id, user_id: customer.id }))).toBe('deposit_settled')
    expect(await customer.balance()).toEqual(['0', '0'])
    expect((await customer.ask(50n, 'A1')).state).toBe('pending')
  })

  test('is cancelled by its customer alone, while nobody has answered, and by then is nobody’s to approve', async () => {
    const { app, approve, customer } = await setup()
    const other = await aCustomer(app)
    const { id } = await customer.ask(50n, 'A1')
    expect(await refused(cancelDeposit(app, other.editor, { id, user_id: other.id }))).toBe('deposit_not_found')
    for (let i = 0; i < 2; i++) {
      expect((await cancelDeposit(app, customer.editor, { id, user_id: customer.id })).state).toBe('cancelled')
    }
    expect(await refused(approve(id))).toBe('deposit_settled')
    const approved = await customer.ask(5n, 'A2')
    await approve(approved.id)
    expect(await refused(cancelDeposit(app, customer.editor, { id: approved.id, user_id: customer.id }))).toBe(
      'deposit_settled',
    )
    expect(await customer.balance()).toEqual(['5', '-5'])
  })

  test('outside of the limits, by a way not on offer, or with nothing to find it by is refused with its field', async () => {
    const { customer } = await setup()
    for (const amount of [undefined, 0n, -USD, USD - 1n, 10_000n * USD + 1n, 2n ** 63n]) {
      expect([amount, await refused(customer.ask(1n, 'A1', { amount }))]).toEqual([amount, 'amount_refused'])
    }
    for (const amount of [USD, 10_000n * USD]) {
      expect(await refused(customer.ask(1n, `A${amount}`, { amount }))).toBe('done')
    }
    expect(await refused(customer.ask(5n, 'A1', { method: 'cash' }))).toBe('method_not_offered')
    for (const reference of ['---', ' . ', '\u200b', 'ﷺ'.repeat(200)]) {
      expect([reference, await refused(customer.ask(5n, reference))]).toEqual([reference, 'reference_refused'])
    }
  })

  test('waits beside no more of the same customer than may', async () => {
    const { app, customer } = await setup()
    const asked = [await customer.ask(1n, 'A1'), await customer.ask(1n, 'A2'), await customer.ask(1n, 'A3')]
    expect(await refused(customer.ask(1n, 'A4'))).toBe('too_many_deposits')
    expect((await (await aCustomer(app)).ask(1n, 'A4')).state).toBe('pending')
    await cancelDeposit(app, customer.editor, { id: asked[0]?.id as bigint, user_id: customer.id })
    expect((await customer.ask(1n, 'A4')).state).toBe('pending')
  })

  test('names a payment once for one customer, however it is written; of another’s staff are warned', async () => {
    const { app, approve, customer } = await setup()
    const other = await aCustomer(app)
    const first = await customer.ask(5n, 'ab-12 34')
    for (const reference of ['AB1234', 'a b 1 2 3 4', 'ＡＢ１２３４', 'ab\u200b1234', 'ab-12 34']) {
      expect([reference, await refused(customer.ask(7n, reference))]).toEqual([reference, 'reference_used'])
    }
    const theirs = await other.ask(5n, 'AB/1234')
    const warned = await namesakesOf(app, [first, theirs])
    expect([warned(first), warned(theirs)]).toEqual([
      [{ of: first.id, id: theirs.id, user_id: other.id, state: 'pending' }],
      [{ of: theirs.id, id: first.id, user_id: customer.id, state: 'pending' }],
    ])
    await approve(first.id)
    expect(await refused(customer.ask(7n, 'AB1234'))).toBe('reference_used')
    expect(await refused(approve(theirs.id))).toBe('reference_credited')
    expect(await other.balance()).toEqual(['0', '-5'])
    expect((await approve(theirs.id, TERMINAL, { reason: 'Two transfers, seen both.' })).state).toBe('approved')
  })

  test('is decided on by those who may, and never by who made it', async () => {
    const { app, approve, refuse, customer } = await setup()
    const both = await anEditor(app, ['deposits:decide', 'deposits:*:own'])
    const input = { user_id: both.id, amount: USD, method: 'bank_transfer', reference: 'B1' }
    const own = await askDeposit(app, both, input)
    expect(await refused(approve(own.id, both))).toBe('own_account')
    expect(await refused(refuse(own.id, both))).toBe('own_account')
    const { id } = await customer.ask(1n, 'A1')
    expect(await refused(approve(id, await anEditor(app, ['deposits:read'])))).toBe('forbidden')
    expect(await refused(approve(id, customer.editor))).toBe('forbidden')
    expect(await refused(approve(999n))).toBe('deposit_not_found')
  })

  test('above what one may approve alone within a day waits for a second person', async () => {
    const { app, desk, chief, approve, customer } = await setup()
    const ask = async (usd: bigint, reference: string) => (await customer.ask(usd, reference)).id
    expect((await approve(await ask(1000n, 'A1'))).state).toBe('approved')
    const small = await ask(1n, 'A2')
    const once = await approve(small, desk, { amount: 2n * USD, reason: 'Two came.' })
    expect(once).toMatchObject({ state: 'approved_once', first_approved_by: desk.id, decided_by: null })
    expect(await approve(small)).toEqual(once)
    expect(await customer.balance()).toEqual(['1000', '-1000'])
    expect(await refused(approve(small, chief, { amount: 3n * USD, reason: 'x' }))).toBe('approved_amount_differs')
    const done = await approve(small, chief)
    expect(done).toMatchObject({ state: 'approved', first_approved_by: desk.id, decided_by: chief.id })
    expect(done).toMatchObject({ approved_amount: 2n * USD, decision_reason: 'Two came.' })
    expect(await approve(small)).toEqual(done)
    expect(await customer.balance()).toEqual(['1002', '-1002'])
    // What two have approved is not counted as one's own, and a day later all begins anew.
    expect((await approve(await ask(1000n, 'A3'), chief)).state).toBe('approved')
    app.clock.ahead_ms = DAY_MS + 1_000
    expect((await approve(await ask(999n, 'A4'))).state).toBe('approved')
  })

  test('that one has approved is still pending to its customer, who may cancel it', async () => {
    const { app, approve, customer } = await setup()
    const { id } = await customer.ask(2000n, 'A1')
    expect((await approve(id)).state).toBe('approved_once')
    expect(await changesOf(app)).toEqual([['pending', null]])
    expect((await cancelDeposit(app, customer.editor, { id, user_id: customer.id })).state).toBe('cancelled')
    expect(await customer.balance()).toEqual(['0', '0'])
  })

  test('that nobody answers expires, and nobody approves it after that; who approved first gives the second time', async () => {
    const { app, chief, approve, customer } = await setup()
    const { id } = await customer.ask(5n, 'A1')
    const large = await customer.ask(2000n, 'A2')
    app.clock.ahead_ms = 6 * DAY_MS
    await approve(large.id)
    app.clock.ahead_ms = 7 * DAY_MS + 1_000
    expect(await refused(approve(id))).toBe('deposit_settled')
    expect([await expireDeposits(app), await expireDeposits(app)]).toEqual([1, 0])
    expect(await findDeposit(app, id)).toMatchObject({ state: 'expired', decided_by: null })
    expect((await approve(large.id, chief)).state).toBe('approved')
    expect(await changesOf(app)).toContainEqual(['expired', null])
    expect((await customer.ask(5n, 'A1')).state).toBe('pending')
  })
})

const lock = (id: bigint) => (tx: Tx) => tx.query('select 1 from payments.deposit where id = $1 for update', [id])

test.each<[DecideDeposit['verdict'] | 'cancel', DecideDeposit['verdict'] | 'cancel']>([
  ['approve', 'approve'],
  ['approve', 'refuse'],
  ['approve', 'cancel'],
])('of %s and %s at once one is done, and money moves once or not at all', async (first, second) => {
  const { app, desk, chief, approve, refuse, customer } = await setup()
  const { id } = await customer.ask(50n, 'A1')
  const act = (verb: typeof first, by: By) => {
    if (verb === 'cancel') return refused(cancelDeposit(app, customer.editor, { id, user_id: customer.id }))
    return refused(verb === 'approve' ? approve(id, by) : refuse(id, by))
  }
  const outcomes = await atBarrier(app.db, lock(id), [() => act(first, desk), () => act(second, chief)])
  expect(outcomes.toSorted()).toEqual(['deposit_settled', 'done'])
  const approved = (await findDeposit(app, id))?.state === 'approved'
  expect(await customer.balance()).toEqual(approved ? ['50', '-50'] : ['0', '0'])
  const credited = await app.db.query(`select 1 from ledger.transfer where reason = 'deposit.approved'`)
  expect(credited).toHaveLength(approved ? 1 : 0)
})

test('two customers who name the same payment are not both credited by two who approve at once', async () => {
  const { app, desk, chief, approve, customer } = await setup()
  const other = await aCustomer(app)
  const [a, b] = [await customer.ask(5n, 'A1'), await other.ask(5n, 'A1')]
  const outcomes = await atBarrier(app.db, lock(a.id), [
    () => refused(approve(a.id, desk)),
    () => refused(approve(b.id, chief)),
  ])
  expect(outcomes.toSorted()).toEqual(['done', 'reference_credited'])
})

test('one person who approves many at once does not slip past the limit', async () => {
  const { app, desk, approve, customer } = await setup()
  const ids = [await customer.ask(800n, 'A1'), await customer.ask(800n, 'A2'), await customer.ask(800n, 'A3')]
  const hold = (tx: Tx) => tx.query('select 1 from identity.user where id = $1 for update', [desk.id])
  const outcomes = await atBarrier(
    app.db,
    hold,
    ids.map(
      ({ id }) =>
        () =>
          approve(id),
    ),
  )
  expect(outcomes.map(({ state }) => state).toSorted()).toEqual(['approved', 'approved_once', 'approved_once'])
})

test('one customer who asks many times at once gets no more than may wait, and names a payment once', async () => {
  const { app, customer } = await setup()
  const hold = (tx: Tx) => tx.query('select 1 from identity.user where id = $1 for update', [customer.id])
  const asking = ['A1', 'A1', 'A2', 'A3', 'A4'].map((reference) => () => refused(customer.ask(1n, reference)))
  const outcomes = await atBarrier(app.db, hold, asking)
  expect(outcomes.filter((each) => each === 'done')).toHaveLength(3)
  const { deposits } = await listDeposits(app, { states: ['pending'] }, { limit: 10 })
  expect(new Set(deposits.map(({ reference }) => reference)).size).toBe(3)
})

test('the database itself lets no deposit be changed behind its verbs', async () => {
  const { app, desk, approve, customer } = await setup()
  const approved = await customer.ask(5n, 'A1')
  await approve(approved.id)
  const open = await customer.ask(5n, 'A2')
  const large = await customer.ask(5000n, 'A3')
  await approve(large.id)
  const broken = async (id: bigint, set: string) => {
    const outcome = await refused(app.db.query(`update payments.deposit set ${set} where id = ${id}`))
    return [set, outcome]
  }
  const forbidden: [bigint, string][] = [
    [approved.id, `state = 'pending', movement = null, settled_at = null`],
    [approved.id, 'approved_amount = 6000000'],
    [large.id, `state = 'pending', approved_amount = null, first_approved_by = null, first_approved_at = null`],
    [large.id, `state = 'approved', decided_by = ${desk.id}, settled_at = now(), movement = 99`],
    [open.id, 'amount = 1'],
    [open.id, `reference = 'x', reference_key = 'X'`],
    [open.id, `state = 'approved', approved_amount = 5000000, settled_at = now()`],
    [open.id, `state = 'approved', approved_amount = 6000000, settled_at = now(), movement = 99`],
    [open.id, `state = 'refused', settled_at = now()`],
    [open.id, `state = 'approved_once', approved_amount = 5000000`],
    [open.id, `state = 'approved', approved_amount = 5000000, decided_by = user_id, settled_at = now(), movement = 99`],
  ]
  for (const [id, set] of forbidden) expect(await broken(id, set)).toEqual([set, '23514'])
  expect(await refused(app.db.query('delete from payments.deposit'))).toBe('23514')
  expect(await refused(app.db.query(`update payments.deposit set note = 'x'`))).toBe('23514')
})
