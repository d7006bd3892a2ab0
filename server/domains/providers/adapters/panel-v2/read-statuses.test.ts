import { expect, test } from 'vitest'
import { ProviderReadError, type StatusRow } from '#server/domains/providers/provider.ts'
import { readByHalves } from './read-statuses.ts'

const IDS = Array.from({ length: 100 }, (_, index) => String(index))
const GOOD: StatusRow = {
  ok: true,
  status: 'pending',
  raw_status: 'Pending',
  charge: undefined,
  currency: undefined,
  start_count: undefined,
  remains: undefined,
}

/** A panel that fails, with `reason`, whenever one of `poison` is asked for. */
function panel(poison: readonly string[], reason: ProviderReadError['reason']) {
  const asked: (readonly string[])[] = []
  const ask = async (ids: readonly string[]) => {
    asked.push(ids)
    if (ids.some((id) => poison.includes(id))) throw new ProviderReadError(reason, 'no')
    return new Map(ids.map((id) => [id, GOOD]))
  }
  return { asked, ask }
}

test('asks once when all is well', async () => {
  const { asked, ask } = panel([], 'refused')
  const rows = await readByHalves(IDS, ask)
  expect(rows.size).toBe(100)
  expect(asked).toHaveLength(1)
})

test.each(['refused', 'server_error', 'unreadable_answer'] as const)(
  'two orders that fail by %s spoil only their own rows',
  async (reason) => {
    const { asked, ask } = panel(['0', '63'], reason)
    const rows = await readByHalves(IDS, ask)
    expect(IDS.filter((id) => rows.get(id)?.ok === false)).toEqual(['0', '63'])
    expect(rows.get('63')).toMatchObject({ reason: reason === 'refused' ? 'error' : 'unreadable' })
    expect(rows.size).toBe(100)
    expect(asked.length).toBeLessThan(30)
  },
)

test('a panel that refuses every batch is asked for each order alone', async () => {
  const asked: number[] = []
  const rows = await readByHalves(IDS, async (ids) => {
    asked.push(ids.length)
    if (ids.length > 1) throw new ProviderReadError('refused', 'one order, please')
    return new Map(ids.map((id) => [id, GOOD]))
  })
  expect([...rows.values()].every((row) => row.ok)).toBe(true)
  expect(asked).toHaveLength(199)
})

test('a panel that crashes at everything is left alone after a few calls', async () => {
  const { asked, ask } = panel(IDS, 'server_error')
  await expect(readByHalves(IDS, ask)).rejects.toThrow(ProviderReadError)
  expect(asked).toHaveLength(12)
})

test.each(['unreachable', 'timeout', 'invalid_key', 'rate_limited'] as const)(
  '%s is no matter of single orders: one call',
  async (reason) => {
    const { asked, ask } = panel(IDS, reason)
    await expect(readByHalves(IDS, ask)).rejects.toMatchObject({ reason })
    expect(asked).toHaveLength(1)
  },
)

test('keeps the rows read when the panel goes down on the way', async () => {
  let calls = 0
  const rows = await readByHalves(IDS, async (ids) => {
    calls += 1
    if (calls === 1) throw new ProviderReadError('refused', 'no')
    if (calls === 3) throw new ProviderReadError('unreachable', 'gone')
    return new Map(ids.map((id) => [id, GOOD]))
  })
  expect(IDS.slice(0, 50).every((id) => rows.get(id)?.ok)).toBe(true)
  expect(IDS.slice(50).every((id) => rows.get(id)?.ok === false)).toBe(true)
})
