import { expect, test } from 'vitest'
import { openLog } from '#server/platform/telemetry/log.ts'
import { LastSeen, TOUCH_EACH_MS } from './last-seen.ts'

function setup(write: (marks: ReadonlyMap<string, Date>) => Promise<void>) {
  const logged: string[] = []
  const clock = { now_ms: 0, now: () => new Date(clock.now_ms), monotonic_ms: () => clock.now_ms }
  const log = openLog({ level: 'info', destination: { write: (line) => void logged.push(line) } })
  return { seen: new LastSeen<string>({ clock, log }, write), clock, logged }
}

test('a credential is marked at most once a minute, and one write takes all marks', async () => {
  const writes: (readonly [string, Date])[][] = []
  const { seen, clock } = setup(async (marks) => void writes.push([...marks]))
  const ann = { touched_ms: Number.NEGATIVE_INFINITY }
  const bob = { touched_ms: Number.NEGATIVE_INFINITY }
  seen.touch(ann, 'ann')
  seen.touch(bob, 'bob')
  clock.now_ms = TOUCH_EACH_MS - 1
  seen.touch(ann, 'ann')
  await seen.flush()
  await seen.flush()
  clock.now_ms = TOUCH_EACH_MS
  seen.touch(ann, 'ann')
  await seen.close()
  expect(writes).toEqual([
    [
      ['ann', new Date(0)],
      ['bob', new Date(0)],
    ],
    [['ann', new Date(TOUCH_EACH_MS)]],
  ])
})

test('a write that fails is logged, and the next one is made', async () => {
  let writes = 0
  const { seen, logged } = setup(async () => {
    writes += 1
    if (writes === 1) throw new Error('the database is away')
  })
  seen.touch({ touched_ms: Number.NEGATIVE_INFINITY }, 'ann')
  await seen.flush()
  seen.touch({ touched_ms: Number.NEGATIVE_INFINITY }, 'ann')
  await seen.close()
  expect(writes).toBe(2)
  expect(logged.join()).toContain('the database is away')
})
