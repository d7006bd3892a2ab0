import { expect, test } from 'vitest'
import { zipfPicker } from './zipf.ts'

test('the k-th most popular is picked k times as rarely as the first', () => {
  const items = Array.from({ length: 1_000 }, (_, i) => i)
  const pick = zipfPicker(items)
  const counts = new Map<number, number>()
  const picks = 400_000
  for (let i = 0; i < picks; i++) {
    const item = pick()
    counts.set(item, (counts.get(item) ?? 0) + 1)
  }
  const sorted = [...counts.values()].sort((a, b) => b - a)
  const first = picks / items.reduce((sum, i) => sum + 1 / (i + 1), 0)
  for (const rank of [1, 2, 3, 5, 10]) {
    expect(sorted[rank - 1]).toBeGreaterThan((0.9 * first) / rank)
    expect(sorted[rank - 1]).toBeLessThan((1.1 * first) / rank)
  }
  expect(counts.size).toBe(items.length)
})
