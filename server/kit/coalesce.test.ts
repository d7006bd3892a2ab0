import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CoalesceOptions, coalesce, QueueFullError } from './coalesce.ts'

/** A call whose batches end when the test says so. */
function setup(options: Partial<CoalesceOptions<number>> = {}) {
  const batches: number[][] = []
  const ends: PromiseWithResolvers<number[] | undefined>[] = []
  const call = coalesce(
    async (inputs: number[]) => {
      batches.push(inputs)
      const end = Promise.withResolvers<number[] | undefined>()
      ends.push(end)
      return (await end.promise) ?? inputs.map((input) => input * 10)
    },
    { max: 100, lanes: 1, queue_max: 100, ...options },
  )
  return {
    call,
    batches,
    end: (i: number, outputs?: number[]) => ends[i]?.resolve(outputs),
    fail: (i: number, error: Error) => ends[i]?.reject(error),
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('calls of one turn make one batch, and each gets its own answer', async () => {
  const { call, batches, end } = setup()
  const answers = Promise.all([call(1), call(2), call(3)])
  await turn()
  expect(batches).toEqual([[1, 2, 3]])
  end(0)
  expect(await answers).toEqual([10, 20, 30])
})

test('calls that come while a batch is under way gather, and leave when it ends', async () => {
  const { call, batches, end } = setup()
  const first = call(1)
  await turn()
  const others = [call(2)]
  await turn()
  others.push(call(3))
  await turn()
  expect(batches).toEqual([[1]])
  end(0)
  expect(await first).toBe(10)
  expect(batches).toEqual([[1], [2, 3]])
  end(1)
  expect(await Promise.all(others)).toEqual([20, 30])
})

test('the next batch leaves before the callers of the last go on', async () => {
  const { call, batches, end } = setup()
  const first = call(1).then(() => batches.length)
  await turn()
  const second = call(2)
  end(0)
  expect(await first).toBe(2)
  end(1)
  await second
})

test('what the next batch does before it waits for anything is done before the callers of the last go on', async () => {
  const begun: number[] = []
  const call = coalesce(
    async (inputs: number[]) => {
      for (let i = 0; i < 20; i++) await Promise.resolve()
      await new Promise<void>((resolve) => process.nextTick(resolve))
      begun.push(...inputs)
      await turn()
      return inputs
    },
    { max: 1, lanes: 1, queue_max: 100 },
  )
  const seen = await Promise.all([call(1).then(() => [...begun]), call(2).then(() => [...begun])])
  expect(seen).toEqual([
    [1, 2],
    [1, 2],
  ])
})

test('as many batches as lanes are under way at once, and no more', async () => {
  const { call, batches, end } = setup({ lanes: 2 })
  const answers = [call(1)]
  await turn()
  answers.push(call(2))
  await turn()
  answers.push(call(3))
  await turn()
  expect(batches).toEqual([[1], [2]])
  end(1)
  await answers[1]
  expect(batches).toEqual([[1], [2], [3]])
  end(0)
  end(2)
  expect(await Promise.all(answers)).toEqual([10, 20, 30])
})

test('a lane that frees while a start is planned does not make one lane too many', async () => {
  const { call, batches, end } = setup({ lanes: 2, max: 1 })
  const answers = [call(1), call(2), call(3), call(4)]
  await turn()
  await turn()
  end(0)
  await answers[0]
  await turn()
  expect(batches).toHaveLength(3)
  for (const i of [1, 2]) end(i)
  await turn()
  end(3)
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40])
})

test('a batch has no more inputs than the maximum', async () => {
  const { call, batches, end } = setup({ max: 2 })
  const answers = Promise.all([call(1), call(2), call(3)])
  await turn()
  end(0)
  await turn()
  end(1)
  expect(await answers).toEqual([10, 20, 30])
  expect(batches).toEqual([[1, 2], [3]])
})

test('where inputs have weights, a batch weighs no more than the maximum, but a heavier input goes alone', async () => {
  const { call, batches, end } = setup({ max: 5, weigh: (input) => input })
  const answers = Promise.all([call(2), call(3), call(1), call(9), call(4)])
  for (let i = 0; i < 4; i++) {
    await turn()
    end(i)
  }
  await answers
  expect(batches).toEqual([[2, 3], [1], [9], [4]])
})

test('an error reaches every caller of its batch, and the next batch goes on', async () => {
  const { call, end, fail } = setup()
  const failed = Promise.allSettled([call(1), call(2)])
  await turn()
  const next = call(3)
  fail(0, new Error('lost'))
  expect(await failed).toEqual([
    { status: 'rejected', reason: new Error('lost') },
    { status: 'rejected', reason: new Error('lost') },
  ])
  end(1)
  expect(await next).toBe(30)
})

test('a batch that answers too few is an error of all', async () => {
  const { call, end } = setup()
  const failed = Promise.allSettled([call(1), call(2)])
  await turn()
  end(0, [10])
  expect((await failed).map((each) => each.status)).toEqual(['rejected', 'rejected'])
})

test('beyond the queue a call is refused at once, and the others are served', async () => {
  const { call, end } = setup({ queue_max: 2 })
  const served = [call(1), call(2)]
  await expect(call(3)).rejects.toThrow(QueueFullError)
  await turn()
  served.push(call(4))
  end(0)
  await turn()
  end(1)
  expect(await Promise.all(served)).toEqual([10, 20, 40])
})

test('a batch belongs to none of its callers', async () => {
  const context = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const call = coalesce(
    async (inputs: number[]) => {
      seen.push(context.getStore())
      return inputs
    },
    { max: 1, lanes: 1, queue_max: 10 },
  )
  await context.run('first caller', () => Promise.all([call(1), call(2), call(3)]))
  expect(seen).toEqual([undefined, undefined, undefined])
})

test('batches that rest begin no sooner than that after one another, though lanes are free', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const { call, batches, end } = setup({ lanes: 2, rest_ms: 20 })
  void call(1)
  await turn()
  void call(2)
  end(0)
  await turn()
  void call(3)
  await turn()
  expect(batches).toEqual([[1]])
  vi.advanceTimersByTime(20)
  expect(batches).toEqual([[1], [2, 3]])
  // After a rest nobody waits.
  vi.advanceTimersByTime(20)
  void call(4)
  await turn()
  expect(batches).toEqual([[1], [2, 3], [4]])
})
