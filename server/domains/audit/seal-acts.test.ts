import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import { testApp } from '#test/support/app.ts'
import { testDatabase } from '#test/support/database.ts'
import { SYSTEM } from './act.ts'
import { startAuditWork } from './jobs.ts'
import { sealLag } from './queries.ts'
import { recordActs } from './record-acts.ts'
import { sealActs } from './seal-acts.ts'
import { verifyActs } from './verify-acts.ts'

const act = (n: number) => ({ action: 'a.b', actor: SYSTEM, after: { n } })

const record = (db: Db, count: number) =>
  db.transaction(async (tx) =>
    recordActs(
      tx,
      Array.from({ length: count }, (_, i) => act(i)),
    ),
  )

const numbers = (db: Db) =>
  db.query<{ number: bigint; seal: bigint }>('select number, seal from audit.sealed_act order by number')

test('acts are numbered over all seals without a gap, and none is left', async () => {
  const { db } = await testDatabase()
  await record(db, 3)
  expect(await sealActs(db)).toEqual({ acts: 3, is_full: false })
  await record(db, 2)
  expect((await sealLag(db)).acts).toBe(2)
  expect(await sealActs(db)).toEqual({ acts: 2, is_full: false })
  expect(await sealActs(db)).toEqual({ acts: 0, is_full: false })
  expect((await numbers(db)).map((row) => [row.number, row.seal])).toEqual([
    [1n, 1n],
    [2n, 1n],
    [3n, 1n],
    [4n, 2n],
    [5n, 2n],
  ])
  expect(await sealLag(db)).toEqual({ acts: 0, age_ms: 0 })
  expect(await verifyActs(db)).toMatchObject({ ok: true, acts: 5n, seals: 2n, unsealed: 0n })
})

test('a call stops at its limit and says that there is more', async () => {
  const { db } = await testDatabase()
  await record(db, 5)
  expect(await sealActs(db, 2)).toEqual({ acts: 2, is_full: true })
  expect(await sealActs(db, 4)).toEqual({ acts: 3, is_full: false })
  expect(await verifyActs(db)).toMatchObject({ ok: true, seals: 2n })
})

test('an act that commits late under a smaller id is sealed with those after it: none is missed', async () => {
  const { db } = await testDatabase()
  const recorded = Promise.withResolvers<void>()
  const sealed = Promise.withResolvers<void>()
  const late = db.transaction(async (tx) => {
    recordActs(tx, [act(0)])
    await tx.query('select 1')
    recorded.resolve()
    await sealed.promise
  })
  await recorded.promise
  await record(db, 1)
  expect((await sealActs(db)).acts).toBe(1)
  sealed.resolve()
  await late
  expect((await sealActs(db)).acts).toBe(1)
  const order = await db.query<{ act: bigint }>('select act from audit.sealed_act order by number')
  expect(order.map((row) => row.act)).toEqual([2n, 1n])
  expect(await verifyActs(db)).toMatchObject({ ok: true, acts: 2n, unsealed: 0n })
})

test('sealers at once do not disturb one another, nor those who record meanwhile', async () => {
  const { db } = await testDatabase()
  await record(db, 50)
  const [recorded, ...sealed] = await Promise.all([record(db, 50), sealActs(db), sealActs(db), sealActs(db)])
  expect(recorded).toBeUndefined()
  sealed.push(await sealActs(db))
  expect(sealed.reduce((sum, each) => sum + each.acts, 0)).toBe(100)
  expect((await numbers(db)).map((row) => row.number)).toEqual(Array.from({ length: 100 }, (_, i) => BigInt(i + 1)))
  expect(await verifyActs(db)).toMatchObject({ ok: true })
})

test('the hashes are those of the texts that the migration promises', async () => {
  const { db } = await testDatabase()
  await db.transaction(async (tx) => {
    const actor = { kind: 'user', user_id: 7n, via: 'session', ip: '192.0.2.7', request_id: 'r1' } as const
    recordActs(tx, [
      { action: 'a.b', actor, subject: { kind: 'user', id: 9n }, before: { x: 1 }, after: null, reason: 'so, "so"' },
    ])
  })
  await sealActs(db)
  await record(db, 1)
  await sealActs(db)
  const acts = await db.query<{ id: bigint; at: bigint; text: string }>(
    'select id, (extract(epoch from at) * 1000000)::bigint as at, text from audit.act_text order by id',
  )
  const [first] = acts
  expect(first?.text).toBe(`(1,${first?.at},a.b,user,7,session,,192.0.2.7/32,r1,,user,9,"{""x"":1}",null,"so, ""so""")`)
  let head: Buffer = Buffer.alloc(0)
  for (const [i, { id, at, text }] of acts.entries()) {
    const body = Buffer.alloc(24)
    body.writeBigInt64BE(BigInt(i + 1), 0)
    body.writeBigInt64BE(id, 8)
    body.writeBigInt64BE(at, 16)
    const hash = createHash('sha256').update(text).digest()
    head = createHash('sha256')
      .update(Buffer.concat([head, body, hash]))
      .digest()
  }
  expect((await verifyActs(db)).head).toBe(head.toString('hex'))
})

test('an act that is gone before it was sealed stops the sealer loudly', async () => {
  const { db } = await testDatabase()
  await record(db, 2)
  await db.transaction(async (tx) => {
    tx.send('set local session_replication_role = replica')
    tx.send('delete from audit.act where id = 1')
  })
  await expect(sealActs(db)).rejects.toThrow(InvariantError)
  expect((await sealLag(db)).acts).toBe(2)
})

test('a worker seals what is recorded', async () => {
  const app = await testApp()
  const work = startAuditWork(app)
  try {
    await record(app.db, 3)
    await expect.poll(() => sealLag(app.db), { timeout: 10_000 }).toEqual({ acts: 0, age_ms: 0 })
  } finally {
    await work.stop()
  }
  expect(await verifyActs(app.db)).toMatchObject({ ok: true, acts: 3n })
})
