import { expect, test } from 'vitest'
import { runInHalves } from './in-halves.ts'

function setup(bad: readonly number[]) {
  const done: number[] = []
  const runs: number[] = []
  const run = async (items: readonly number[]) => {
    runs.push(items.length)
    const wrong = items.find((item) => bad.includes(item))
    if (wrong !== undefined) throw new Error(`${wrong} is bad`)
    done.push(...items)
  }
  return { done, runs, run }
}

test('items that go well are run together, once', async () => {
  const { done, runs, run } = setup([])
  expect(await runInHalves([1, 2, 3], run)).toEqual([])
  expect({ done, runs }).toEqual({ done: [1, 2, 3], runs: [3] })
})

test('no items are no run', async () => {
  const { runs, run } = setup([])
  expect(await runInHalves([], run)).toEqual([])
  expect(runs).toEqual([])
})

test('bad items fail alone, each with its own error, and their neighbours are done once', async () => {
  const { done, run } = setup([3, 7])
  const failed = await runInHalves([1, 2, 3, 4, 5, 6, 7], run)
  expect(failed.map(({ item, error }) => [item, (error as Error).message])).toEqual([
    [3, '3 is bad'],
    [7, '7 is bad'],
  ])
  expect(done.sort()).toEqual([1, 2, 4, 5, 6])
})
