import { describe, expect, test } from 'vitest'
import { ensureAccounts } from '#server/domains/ledger/ensure-accounts.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { balancesOf } from '#server/domains/ledger/queries.ts'
import { formatAmount } from '#server/kit/money.ts'
import { atBarrier } from '#test/support/barrier.ts'
import { actsOf, anEditor, editorFor, TERMINAL } from '#test/support/editors.ts'
import { aUser, type IdentityApp, identityApp } from '#test/support/identity.ts'
import { adjustments, walletOf } from '../accounts.ts'
import { askAdjustment } from './ask-adjustment.ts'
import { decideAdjustment } from './decide-adjustment.ts'
import { expireAdjustments } from './expire-adjustments.ts'
import { listAdjustments } from './queries.ts'

const refused = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { code: string }) => error.code,
  )
const USD = 1_000_000n

async function setup() {
  const app = await identityApp()
  const desk = await anEditor(app, ['balances:adjust', 'users:read:customer:{id}'])
  const chief = await anEditor(app, ['balances:approve'])
  const { id: user_id } = await aUser(app)
  const ask = (usd: bigint, editor: Parameters<typeof askAdjustment>[1] = desk) =>
    askAdjustment(app, editor, { user_id, amount: usd * USD, reason: 'Goodwill.' })
  const balances = async () => {
    const ids = await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(user_id), adjustments()]))
    const found = await balancesOf(app.db, ids)
    return ids.map((id) => formatAmount(found.get(id)?.posted ?? 0n, 6, 0))
  }
  return { app, desk, chief, user_id, ask, balances }
}

const eventsOf = async (app: IdentityApp) =>
  (
    await app.db.query<{ type: string }>(`select type from platform.outbox where type like 'payments.%' order by id`)
  ).map(({ type }) => type)

describe('an adjustment', () => {
  test('up to the limit is posted at once, in two entries, told and written down', async () => {
    const { app, desk, user_id, ask, balances } = await setup()
    expect(await ask(60n)).toMatchObject({ state: 'posted', asked_by: desk.id, expires_at: null })
    expect(await ask(-20n)).toMatchObject({ state: 'posted' })
    expect(await balances()).toEqual(['40', '-40'])
    expect(await eventsOf(app)).toEqual(['payments.balance_adjusted', 'payments.balance_adjusted'])
    expect((await actsOf(app)).filter((act) => act.action.startsWith('balances.'))).toMatchObject([
      {
        action: 'balances.adjusted',
        user_id: desk.id,
        subject_id: String(user_id),
        after: { amount: '60000000', asset: 'USD', state: 'posted' },
        reason: 'Goodwill.',
      },
      { action: 'balances.adjusted', after: { amount: '-20000000' } },
    ])
  })

  test('above it waits, also when many small ones make a large one, and moves nothing before', async () => {
    const { app, ask, balances } = await setup()
    expect(await ask(101n)).toMatchObject({ state: 'asked', expires_at: expect.any(Date) })
    expect(await balances()).toEqual(['0', '0'])
    expect(await eventsOf(app)).toEqual(['payments.adjustment_asked'])
    expect((await ask(70n)).state).toBe('posted')
    expect((await ask(-30n)).state).toBe('posted')
    // Given and taken are counted together, and the limit itself is within.
    expect((await ask(1n)).state).toBe('asked')
    app.clock.ahead_ms = 24 * 60 * 60_000 + 1_000
    expect((await ask(100n)).state).toBe('posted')
  })

  test('takes no more than is available, held money not counted', async () => {
    const { app, user_id, ask, balances } = await setup()
    await ask(50n)
    const [wallet] = await app.db.transaction((tx) => ensureAccounts(tx, [walletOf(user_id)]))
    await app.db.transaction((tx) =>
      postEntries(tx, [{ key: 'hold', movements: [{ kind: 'hold', account: wallet as bigint, amount: 30n * USD }] }]),
    )
    expect(await refused(ask(-21n))).toBe('insufficient_funds')
    expect((await ask(-20n)).state).toBe('posted')
    expect(await balances()).toEqual(['30', '-30'])
    const { adjustments: all } = await listAdjustments(app, {}, { limit: 10 })
    expect(all.map((each) => each.state)).toEqual(['posted', 'posted'])
  })

  test('is asked for and approved by those who may, never for oneself, and never by one person alone', async () => {
    const { app, desk, chief, user_id, ask } = await setup()
    const both = await anEditor(app, ['balances:*', 'users:read:*'])
    expect(await refused(ask(1n, chief))).toBe('user_not_found')
    expect(await refused(ask(1n, await anEditor(app, ['users:read:customer:{id}'])))).toBe('forbidden')
    expect(await refused(ask(1n, await editorFor(app, user_id)))).toBe('user_not_found')
    const own = { user_id: both.id, amount: USD, reason: 'x' }
    expect(await refused(askAdjustment(app, both, own))).toBe('own_account')
    const { id } = await ask(500n, both)
    const decide = (editor: typeof both, verdict: 'approve' | 'refuse' = 'approve') =>
      refused(decideAdjustment(app, editor, { id, verdict }))
    expect(await decide(both)).toBe('same_person')
    expect(await decide(both, 'refuse')).toBe('same_person')
    expect(await decide(desk as typeof both)).toBe('forbidden')
    expect(await decide(chief as typeof both)).toBe('done')
    const for_both = await askAdjustment(app, TERMINAL, { ...own, amount: 500n * USD })
    expect(for_both.state).toBe('posted')
    expect(await refused(decideAdjustment(app, chief, { id: 999n, verdict: 'approve' }))).toBe('adjustment_not_found')
  })

  test('that is approved moves the money once; the same verdict again changes nothing', async () => {
    const { app, chief, ask, balances } = await setup()
    const { id } = await ask(500n)
    for (let i = 0; i < 2; i++) {
      expect(await decideAdjustment(app, chief, { id, verdict: 'approve', reason: 'Checked.' })).toMatchObject({
        state: 'posted',
        decided_by: chief.id,
        decision_reason: 'Checked.',
      })
    }
    expect(await refused(decideAdjustment(app, chief, { id, verdict: 'refuse' }))).toBe('adjustment_settled')
    expect(await balances()).toEqual(['500', '-500'])
    expect((await actsOf(app)).map((act) => act.action).filter((each) => each.startsWith('balances.'))).toEqual([
      'balances.adjustment_asked',
      'balances.adjustment_approved',
    ])
  })

  test('that would take too much at its approval still waits', async () => {
    const { app, chief, ask, balances } = await setup()
    await ask(50n)
    const { id } = await ask(-200n)
    expect(await refused(decideAdjustment(app, chief, { id, verdict: 'approve' }))).toBe('insufficient_funds')
    await askAdjustment(app, TERMINAL, {
      user_id: (await listAdjustments(app, {}, { limit: 1 })).adjustments[0]?.user_id as bigint,
      amount: 200n * USD,
      reason: 'x',
    })
    expect(await refused(decideAdjustment(app, chief, { id, verdict: 'approve' }))).toBe('done')
    expect(await balances()).toEqual(['50', '-50'])
  })

  test('that nobody decides on expires, and nobody approves it after that', async () => {
    const { app, chief, ask, balances } = await setup()
    const { id } = await ask(500n)
    expect(await expireAdjustments(app)).toBe(0)
    app.clock.ahead_ms = 73 * 60 * 60_000
    expect(await refused(decideAdjustment(app, chief, { id, verdict: 'approve' }))).toBe('adjustment_settled')
    expect(await expireAdjustments(app)).toBe(1)
    expect(await expireAdjustments(app)).toBe(0)
    expect(await refused(decideAdjustment(app, chief, { id, verdict: 'approve' }))).toBe('adjustment_settled')
    expect(await balances()).toEqual(['0', '0'])
    expect((await listAdjustments(app, { state: 'expired' }, { limit: 5 })).adjustments).toHaveLength(1)
  })

  test.each<['approve' | 'refuse', 'approve' | 'refuse']>([
    ['approve', 'approve'],
    ['approve', 'refuse'],
  ])('is decided on once when %s and %s come at once', async (first, second) => {
    const { app, chief, ask, balances } = await setup()
    const other = await anEditor(app, ['balances:approve'])
    const { id } = await ask(500n)
    const hold = (tx: { query(sql: string, values: unknown[]): Promise<unknown[]> }) =>
      tx.query('select 1 from payments.adjustment where id = $1 for update', [id])
    const outcomes = await atBarrier(app.db, hold, [
      () => refused(decideAdjustment(app, chief, { id, verdict: first })),
      () => refused(decideAdjustment(app, other, { id, verdict: second })),
    ])
    expect(outcomes.toSorted()).toEqual(['adjustment_settled', 'done'])
    const { adjustments: all } = await listAdjustments(app, {}, { limit: 1 })
    expect(await balances()).toEqual(all[0]?.state === 'posted' ? ['500', '-500'] : ['0', '0'])
  })

  test('of one person at once does not slip past the limit', async () => {
    const { app, desk, ask, balances } = await setup()
    const hold = (tx: { query(sql: string, values: unknown[]): Promise<unknown[]> }) =>
      tx.query('select 1 from identity.user where id = $1 for update', [desk.id])
    const outcomes = await atBarrier(app.db, hold, [() => ask(80n), () => ask(80n), () => ask(80n)])
    expect(outcomes.map((each) => each.state).toSorted()).toEqual(['asked', 'asked', 'posted'])
    expect(await balances()).toEqual(['80', '-80'])
  })

  test('of nothing, or of more than can be booked, is refused', async () => {
    const { app, user_id, ask } = await setup()
    expect(await refused(ask(0n))).toBe('amount_refused')
    for (const amount of [2n ** 63n, -(2n ** 63n)]) {
      expect(await refused(askAdjustment(app, TERMINAL, { user_id, amount, reason: 'x' }))).toBe('amount_refused')
    }
    expect(await refused(askAdjustment(app, TERMINAL, { user_id, amount: 2n ** 63n - 1n, reason: 'x' }))).toBe('done')
    expect(await refused(askAdjustment(app, TERMINAL, { user_id, amount: USD, reason: 'x' }))).toBe('amount_refused')
  })
})
