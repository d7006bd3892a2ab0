import { describe, expect, test } from 'vitest'
import type { ExamSetup } from './adapter-exam.ts'
import { ASKING } from './faults-exam.ts'
import { FAILURES_MAX } from './limits.ts'

/** What is asked about orders that are placed: their end, their refill, and how that goes. */
export function examineRequests(setup: ExamSetup): void {
  describe('cancelling', () => examineCancelling(setup))
  describe('refilling', () => examineRefilling(setup))
}

const CONTEXT = { order_id: 7n }

function examineCancelling(setup: ExamSetup): void {
  test('the wish is taken, and what becomes of the order its status tells', async () => {
    const { provider, placed } = await setup()
    const [id = '', other = ''] = await placed(2)
    expect(await provider.cancel(id, CONTEXT)).toEqual({ outcome: 'accepted' })
    const rows = await provider.statuses([id, other])
    expect([rows.get(id), rows.get(other)]).toMatchObject([{ status: 'cancelled', charge: 0n }, { status: 'pending' }])
    expect(await provider.cancel(id, CONTEXT)).toMatchObject({ outcome: 'rejected', code: 'other' })
  })

  test('a provider may take the wish and finish the order all the same', async () => {
    const { world, provider, placed } = await setup()
    const [id = ''] = await placed(1)
    await world.breakWith('cancel_ignored')
    expect(await provider.cancel(id, CONTEXT)).toEqual({ outcome: 'accepted' })
    await world.finish(id, { status: 'completed', remains: 0 })
    expect((await provider.statuses([id])).get(id)).toMatchObject({ status: 'completed' })
  })

  test('orders that are none, or that it does not cancel, are refused', async () => {
    const { world, provider, placed } = await setup()
    const [id = ''] = await placed(1)
    for (const odd of ['nobody', 'a,b', '-1', '']) {
      expect(await provider.cancel(odd, CONTEXT)).toMatchObject({ outcome: 'rejected' })
    }
    await world.breakWith('cancel_refused')
    expect(await provider.cancel(id, CONTEXT)).toMatchObject({ outcome: 'rejected', code: 'other' })
    expect((await provider.statuses([id])).get(id)).toMatchObject({ status: 'pending' })
  })

  test.each(ASKING)('%s', async (fault, expected, done) => {
    const { world, provider, placed } = await setup(fault.startsWith('silent') ? { timeout_ms: 250 } : {})
    const [id = ''] = await placed(1)
    const before = await world.calls()
    await world.breakWith(fault)
    expect(await provider.cancel(id, CONTEXT)).toMatchObject(expected)
    expect(await world.calls()).toBe(before + 1)
    await world.mend()
    expect((await provider.statuses([id])).get(id)).toMatchObject({ status: done ? 'cancelled' : 'pending' })
  })

  test('where it ends in the unknown, orders are placed all the same', async () => {
    const { world, provider, placed, place } = await setup()
    const [id = ''] = await placed(1)
    await world.breakWith('page_before')
    for (let count = 0; count < FAILURES_MAX; count++) {
      expect(await provider.cancel(id, CONTEXT)).toMatchObject({ outcome: 'unknown' })
    }
    expect(await provider.cancel(id, CONTEXT)).toMatchObject({ code: 'not_sent' })
    await world.mend()
    expect(await place()).toMatchObject({ outcome: 'accepted' })
  })
}

function examineRefilling(setup: ExamSetup): void {
  async function ended(world: Awaited<ReturnType<ExamSetup>>['world'], ids: readonly string[]) {
    for (const id of ids) await world.finish(id, { status: 'completed', remains: 0 })
  }

  test('a refill has an id, and how it goes is told by it, of many in one call', async () => {
    const { world, provider, placed } = await setup()
    const ids = await placed(3)
    await ended(world, ids)
    const refills: string[] = []
    for (const id of ids) {
      const outcome = await provider.refill(id, CONTEXT)
      refills.push(outcome.outcome === 'accepted' ? outcome.provider_refill_id : '')
    }
    expect(new Set(refills).size).toBe(3)
    const before = await world.calls()
    const rows = await provider.refillStatuses([...refills, 'nobody', 'a,b', refills[0] ?? ''])
    expect(await world.calls()).toBe(before + 1)
    expect([...rows.keys()]).toEqual([...refills, 'nobody', 'a,b'])
    for (const id of refills) expect(rows.get(id)).toMatchObject({ ok: true, status: 'pending' })
    expect(rows.get('nobody')).toMatchObject({ ok: false, reason: 'not_found' })
    expect(rows.get('a,b')).toMatchObject({ ok: false, reason: 'not_found' })
    const [first = ''] = refills
    expect((await provider.refillStatuses([first])).get(first)).toMatchObject({ ok: true })
    expect((await provider.refillStatuses(['nobody'])).get('nobody')).toMatchObject({ ok: false, reason: 'not_found' })
    expect(await provider.refillStatuses([])).toEqual(new Map())
  })

  test('what is not done, or not to be refilled, is refused', async () => {
    const { world, provider, placed } = await setup()
    const [open = '', done = ''] = await placed(2)
    expect(await provider.refill(open, CONTEXT)).toMatchObject({ outcome: 'rejected', code: 'other' })
    for (const odd of ['nobody', 'a,b', '']) {
      expect(await provider.refill(odd, CONTEXT)).toMatchObject({ outcome: 'rejected' })
    }
    await ended(world, [done])
    await world.breakWith('refill_refused')
    expect(await provider.refill(done, CONTEXT)).toMatchObject({ outcome: 'rejected' })
    expect(await world.refills()).toBe(0)
  })

  test.each(ASKING)('%s', async (fault, expected, done) => {
    const { world, provider, placed } = await setup(fault.startsWith('silent') ? { timeout_ms: 250 } : {})
    const [id = ''] = await placed(1)
    await ended(world, [id])
    const before = await world.calls()
    await world.breakWith(fault)
    expect(await provider.refill(id, CONTEXT)).toMatchObject(expected)
    expect(await world.calls()).toBe(before + 1)
    expect(await world.refills()).toBe(done ? 1 : 0)
  })

  test('a status that nobody knows is unreadable, never guessed', async () => {
    const { world, provider, placed } = await setup()
    const [id = ''] = await placed(1)
    await ended(world, [id])
    const refill = await provider.refill(id, CONTEXT)
    const refill_id = refill.outcome === 'accepted' ? refill.provider_refill_id : ''
    await world.breakWith('refill_status_unknown')
    expect((await provider.refillStatuses([refill_id])).get(refill_id)).toMatchObject({ reason: 'unreadable' })
  })

  test.each([
    ['wrong_key', 'invalid_key'],
    ['silent_before', 'timeout'],
  ] as const)('%s fails the whole batch as %s', async (fault, reason) => {
    const { world, provider, failing } = await setup(fault.startsWith('silent') ? { timeout_ms: 250 } : {})
    await world.breakWith(fault)
    expect(await failing(provider.refillStatuses(['1', '2']))).toMatchObject({ reason })
  })
}
