import { expect, test } from 'vitest'
import { memoryCounter } from './memory-counter.ts'

function setup(subjects_max?: number) {
  const clock = { now_ms: 1_000, monotonic_ms: () => clock.now_ms }
  const counter = memoryCounter(clock, subjects_max)
  return { clock, take: (subject: string | bigint, seconds = 10) => ({ ...counter.take(subject, 0, seconds) }) }
}

test('requests of a subject are counted in a window that begins with the first', () => {
  const { clock, take } = setup()
  expect(take('a')).toEqual({ count: 1, ends_ms: 11_000 })
  clock.now_ms = 5_000
  expect(take('a')).toEqual({ count: 2, ends_ms: 11_000 })
  expect(take('b')).toEqual({ count: 1, ends_ms: 15_000 })
  clock.now_ms = 10_999
  expect(take('a')).toEqual({ count: 3, ends_ms: 11_000 })
  clock.now_ms = 11_000
  expect(take('a')).toEqual({ count: 1, ends_ms: 21_000 })
  expect(take('b')).toEqual({ count: 2, ends_ms: 15_000 })
})

test('a subject that comes rarely keeps its window, whatever others do meanwhile', () => {
  const { clock, take } = setup()
  take('rare')
  for (let i = 0; i < 9; i++) {
    clock.now_ms += 1_000
    take(`other ${i}`)
  }
  expect(take('rare')).toEqual({ count: 2, ends_ms: 11_000 })
})

test('a window that was made shorter counts from the next one on', () => {
  const { clock, take } = setup()
  take('a', 60)
  clock.now_ms = 3_000
  expect(take('a', 1)).toEqual({ count: 2, ends_ms: 61_000 })
  expect(take('b', 1)).toEqual({ count: 1, ends_ms: 4_000 })
})

test('ids are told apart by their value', () => {
  const { take } = setup()
  expect([take(7n).count, take(7n).count, take(8n).count, take('7').count]).toEqual([1, 2, 1, 1])
})

test('an attacker with more addresses than are kept costs memory for no more than are kept', () => {
  const { take } = setup(100)
  for (let i = 0; i < 1_000; i++) take(BigInt(i))
  // The latest are still known, the first are not.
  expect(take(999n).count).toBe(2)
  expect(take(0n).count).toBe(1)
})
