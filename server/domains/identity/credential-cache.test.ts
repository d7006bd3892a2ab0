import { expect, test } from 'vitest'
import { CredentialCache, LEASE_MS } from './credential-cache.ts'

interface Credential {
  user: string
}

/** A cache over a table that the test writes, at a time that the test sets, with a listener that hears what the test says. */
function setup() {
  const world = {
    now_ms: 10_000,
    since_ms: 0 as number | undefined,
    confirmed_ms: 10_000,
    table: new Map<string, Credential>([['ann', { user: 'ann' }]]),
    reads: [] as string[][],
    /** What a read waits for before it answers what it saw. */
    held: Promise.resolve(),
  }
  const cache = new CredentialCache<Credential>(
    async (digests) => {
      world.reads.push([...digests])
      const seen = new Map(world.table)
      await world.held
      return seen
    },
    { listeningSince: () => world.since_ms, confirmedAt: () => world.confirmed_ms },
    { now: () => new Date(world.now_ms), monotonic_ms: () => world.now_ms },
  )
  return { world, cache }
}

test('a credential that was read is answered from memory while the listener is confirmed', async () => {
  const { world, cache } = setup()
  await cache.find('ann')
  for (let i = 0; i < 100; i++) {
    world.now_ms += 1_000
    world.confirmed_ms = world.now_ms - 200
    expect(await cache.find('ann')).toEqual({ user: 'ann' })
  }
  expect(world.reads).toEqual([['ann']])
})

test('it is read again after five minutes, whatever was heard', async () => {
  const { world, cache } = setup()
  await cache.find('ann')
  world.now_ms += 5 * 60_000
  world.confirmed_ms = world.now_ms
  await cache.find('ann')
  expect(world.reads).toHaveLength(2)
})

test('it is read again once the listener has been silent for the lease', async () => {
  const { world, cache } = setup()
  await cache.find('ann')
  world.table.delete('ann')
  world.now_ms += LEASE_MS - 1
  expect(await cache.find('ann')).toBeDefined()
  world.now_ms += 1
  expect(await cache.find('ann')).toBeUndefined()
})

test('it is read again once the lease is over when the listener has been down since', async () => {
  const { world, cache } = setup()
  await cache.find('ann')
  // Down and up again: what was notified between is lost.
  world.since_ms = world.now_ms + 10
  world.now_ms += LEASE_MS
  world.confirmed_ms = world.now_ms
  await cache.find('ann')
  expect(world.reads).toHaveLength(2)
})

test('it lives for one lease only when something changed while it was read', async () => {
  const { world, cache } = setup()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.held = promise
  const reading = cache.find('ann')
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  // Revoked after the read saw it; heard before the read answers.
  world.table.delete('ann')
  cache.forget('ann')
  resolve()
  expect(await reading).toBeDefined()
  world.now_ms += LEASE_MS
  world.confirmed_ms = world.now_ms
  expect(await cache.find('ann')).toBeUndefined()
})

test('what is forgotten is read again at once', async () => {
  const { world, cache } = setup()
  world.table.set('bob', { user: 'bob' })
  await Promise.all([cache.find('ann'), cache.find('bob')])
  world.table.clear()
  cache.forgetWhere((credential) => credential.user === 'ann')
  expect(await cache.find('ann')).toBeUndefined()
  expect(await cache.find('bob')).toBeDefined()
  cache.forget('bob')
  expect(await cache.find('bob')).toBeUndefined()
})

test('an unknown digest is read once a lease, and found when it came to be', async () => {
  const { world, cache } = setup()
  await cache.find('eve')
  await cache.find('eve')
  expect(world.reads).toHaveLength(1)
  world.table.set('eve', { user: 'eve' })
  world.now_ms += LEASE_MS
  expect(await cache.find('eve')).toEqual({ user: 'eve' })
})

test('many at once are read in few batches, and beyond the queue refused as busy', async () => {
  const { world, cache } = setup()
  const { promise, resolve } = Promise.withResolvers<void>()
  world.held = promise
  const asked = Array.from({ length: 5_001 }, (_, i) => cache.find(`nobody-${i}`))
  const outcomes = Promise.allSettled(asked)
  resolve()
  const refused = (await outcomes).filter((each) => each.status === 'rejected')
  expect(refused.map((each) => each.reason)).toEqual([expect.objectContaining({ code: 'busy', status: 503 })])
  expect(world.reads).toHaveLength(10)
})

test('memory is bounded: the least recently used goes first', async () => {
  const { world, cache } = setup()
  const names = Array.from({ length: 20_001 }, (_, i) => `user-${i}`)
  for (const name of names) world.table.set(name, { user: name })
  const findAll = async (wanted: string[]) => {
    for (let i = 0; i < wanted.length; i += 5_000) {
      await Promise.all(wanted.slice(i, i + 5_000).map((name) => cache.find(name)))
    }
  }
  await findAll(names.slice(0, 20_000))
  // Used again within the second in which it was read, it would count as read alone.
  world.now_ms += 1_000
  world.confirmed_ms = world.now_ms
  await cache.find('user-0')
  await cache.find('user-20000')
  world.reads = []
  await cache.find('user-0')
  expect(world.reads).toEqual([])
  await cache.find('user-1')
  expect(world.reads).toEqual([['user-1']])
})

test('a read that fails is the caller’s failure and is not remembered', async () => {
  let broken = true
  const cache = new CredentialCache<Credential>(
    async () => {
      if (broken) throw new Error('the database is away')
      return new Map([['ann', { user: 'ann' }]])
    },
    { listeningSince: () => 0, confirmedAt: () => 0 },
    { now: () => new Date(0), monotonic_ms: () => 0 },
  )
  await expect(cache.find('ann')).rejects.toThrow('the database is away')
  broken = false
  expect(await cache.find('ann')).toBeDefined()
})
