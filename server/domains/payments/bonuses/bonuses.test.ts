import { describe, expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { statementOf } from '#server/domains/ledger/statement.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { anEditor, editorFor } from '#test/support/editors.ts'
import { aUser, identityApp } from '#test/support/identity.ts'
import { bonuses, walletOf } from '../accounts.ts'
import { askDeposit } from '../deposits/ask-deposit.ts'
import { decideDeposit } from '../deposits/decide-deposit.ts'
import { verifyDeposits } from '../deposits/verify-deposits.ts'
import { bestBonus, bonusOf } from './bonus-rule.ts'
import { createBonusRule, endBonusRule, type NewBonusRule } from './change-rules.ts'
import { selectRulesGiven } from './queries.ts'

const USD = 1_000_000n

async function setup() {
  const app = await identityApp()
  const desk = await anEditor(app, ['deposits:decide'])
  const chief = await anEditor(app, ['deposits:decide'])
  const { id: user_id } = await aUser(app)
  const editor = await editorFor(app, user_id)
  let payments = 0
  const ask = (usd: bigint) => {
    payments += 1
    return askDeposit(app, editor, {
      user_id,
      amount: usd * USD,
      method: 'bank_transfer',
      reference: `TRX-${payments}`,
    })
  }
  const approve = (id: bigint, by = desk, more: { amount?: bigint; reason?: string } = {}) =>
    decideDeposit(app, by, { id, verdict: 'approve', ...more })
  const promise = (changes: Partial<NewBonusRule> = {}) =>
    createBonusRule(app, {
      name: 'Five percent',
      deposit_min: 100n * USD,
      percent_bp: 500n,
      amount_max: null,
      starts_at: undefined,
      ends_at: null,
      by: SYSTEM,
      reason: 'A test.',
      ...changes,
    })
  /** What the customer has, and what the house has given, in micro-USD. */
  const money = async () => {
    const [wallet, given] = (await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(user_id), bonuses()]))) as [
      bigint,
      bigint,
    ]
    const found = await balancesOf(app.db, [wallet, given])
    return [found.get(wallet)?.posted, found.get(given)?.posted]
  }
  const wallet = async () =>
    ((await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(user_id)]))) as [bigint])[0]
  const sound = async () => expect((await verifyDeposits(app.db)).problems).toEqual([])
  return { app, desk, chief, ask, approve, promise, money, wallet, sound }
}

test.each<[string, Partial<Parameters<typeof bonusOf>[0]>, bigint, bigint]>([
  ['a share of what came in', {}, 100n * USD, 5n * USD],
  ['nothing below the minimum', {}, 100n * USD - 1n, 0n],
  ['no more than the most', { amount_max: 4n * USD }, 1_000n * USD, 4n * USD],
  ['a part of a unit as a whole one', { deposit_min: 1n, percent_bp: 1n }, 1n, 1n],
])('a rule gives %s', (_, changes, amount, bonus) => {
  expect(bonusOf({ deposit_min: 100n * USD, percent_bp: 500n, amount_max: null, ...changes }, amount)).toBe(bonus)
})

test('of several rules the one counts that gives most, and the older of two alike', () => {
  const rule = (id: bigint, percent_bp: bigint, amount_max: bigint | null) => ({
    ...{ id, percent_bp, amount_max, name: '', deposit_min: 1n, ends_at: null, created_by: null },
    starts_at: new Date(0),
    created_at: new Date(0),
  })
  const rules = [rule(1n, 1_000n, 3n), rule(2n, 500n, null), rule(3n, 500n, null)]
  expect(bestBonus(rules, 20n)?.rule.id).toBe(1n)
  expect(bestBonus(rules, 100n)).toMatchObject({ rule: { id: 2n }, amount: 5n })
  expect(bestBonus(rules, 0n)).toBeUndefined()
})

test('a deposit is credited with its bonus as a movement of its own, of what came in, once however often it is approved', async () => {
  const { app, desk, ask, approve, promise, money, wallet, sound } = await setup()
  const rule = await promise()
  const { id } = await ask(300n)
  const lock = (tx: Tx) => tx.query('select 1 from payments.deposit where id = $1 for update', [id])
  const approving = () => approve(id, desk, { amount: 200n * USD, reason: 'A fee.' })
  const answers = await atBarrier(app.db, lock, [approving, approving])
  for (const answer of answers) {
    expect(answer).toMatchObject({ state: 'approved', approved_amount: 200n * USD, bonus: 10n * USD })
  }
  expect(await money()).toEqual([210n * USD, -10n * USD])
  expect(await statementOf(app.db, await wallet(), { limit: 10 })).toMatchObject([
    { reason: 'bonus', posted_change: 10n * USD, subject_kind: 'deposit_bonus', subject_id: id },
    { reason: 'deposit.approved', posted_change: 200n * USD, subject_kind: 'deposit', subject_id: id },
  ])
  expect(await selectRulesGiven(app.db, app.clock.now())).toMatchObject([{ id: rule, deposits: 1, amount: 10n * USD }])
  await sound()
})

test('what counts is what was promised when the customer told of the payment', async () => {
  const { app, ask, approve, promise, money, sound } = await setup()
  const later = <T>(work: () => Promise<T>) => {
    app.clock.ahead_ms += 1_000
    return work()
  }
  const before = await ask(100n)
  const rule = await later(() => promise())
  const within = await later(() => ask(100n))
  const small = await ask(99n)
  app.clock.ahead_ms += 1_000
  await endBonusRule(app, { id: rule, by: SYSTEM, reason: 'Over.' })
  const bonusesOf: (bigint | null)[] = []
  for (const { id } of [before, within, small]) bonusesOf.push((await approve(id)).bonus)
  const after = await later(() => ask(100n))
  bonusesOf.push((await approve(after.id)).bonus)
  expect(bonusesOf).toEqual([null, 5n * USD, null, null])
  expect(await money()).toEqual([404n * USD, -5n * USD])
  await sound()
})

test('where it takes two persons, the bonus comes with the second', async () => {
  const { chief, ask, approve, promise, money, sound } = await setup()
  await promise()
  const { id } = await ask(2_000n)
  expect(await approve(id)).toMatchObject({ state: 'approved_once', bonus: null })
  expect(await money()).toEqual([0n, 0n])
  expect(await approve(id, chief)).toMatchObject({ state: 'approved', bonus: 100n * USD })
  expect(await money()).toEqual([2_100n * USD, -100n * USD])
  await sound()
})

describe('a rule', () => {
  test('that was promised stays: the database takes no change, no removal and no second bonus for a deposit', async () => {
    const { app, ask, approve, promise } = await setup()
    const rule = await promise()
    const { id } = await ask(100n)
    await approve(id)
    for (const sql of [
      'update payments.bonus_rule set percent_bp = 1',
      'update payments.bonus_rule set ends_at = null',
      'delete from payments.bonus_rule',
      'update payments.deposit_bonus set amount = 1',
      'delete from payments.deposit_bonus',
      `insert into payments.deposit_bonus (deposit_id, rule_id, amount, movement) values (${id}, ${rule}, 1, 1)`,
    ]) {
      await expect(app.db.query(sql)).rejects.toThrow()
    }
  })

  test('is ended once, by whoever comes first; of two of one name one is made', async () => {
    const { app, promise } = await setup()
    const id = await promise()
    const said = (work: Promise<unknown>) =>
      work.then(
        () => 'done',
        (error: { code: string }) => error.code,
      )
    const end = () => said(endBonusRule(app, { id, by: SYSTEM, reason: 'Over.' }))
    const lock = (tx: Tx) => tx.query('lock table payments.bonus_rule in access exclusive mode')
    expect((await atBarrier(app.db, lock, [end, end])).sort()).toEqual(['bonus_rule_ended', 'done'])
    const make = () => said(promise({ name: 'Another' }))
    expect((await atBarrier(app.db, lock, [make, make])).sort()).toEqual(['bonus_name_taken', 'done'])
    expect(await said(endBonusRule(app, { id: 999n, by: SYSTEM, reason: 'x' }))).toBe('bonus_rule_not_found')
  })
})

test.each([
  ['a bonus of another amount', `update payments.deposit_bonus set amount = amount + 1`, 'was moved as its bonus'],
  ['one that the rule did not promise', `update payments.bonus_rule set percent_bp = 400`, 'promised'],
  [
    'one for a deposit below the minimum',
    `update payments.bonus_rule set deposit_min = 1000000000`,
    'does not hold for it',
  ],
  ['a movement that nobody knows', `delete from payments.deposit_bonus`, 'that nobody gave'],
])('the proof finds %s', async (_, sql, what) => {
  const { app, ask, approve, promise, sound } = await setup()
  await promise()
  const { id } = await ask(100n)
  await approve(id)
  await sound()
  await app.db.transaction(async (tx) => {
    await tx.query('set local session_replication_role = replica')
    await tx.query(sql)
  })
  const { problems } = await verifyDeposits(app.db)
  expect(problems).toMatchObject([{ deposit_id: id, what: expect.stringContaining(what) }])
})
