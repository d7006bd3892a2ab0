import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { testLedger } from '#test/support/ledger.ts'
import { postEntries } from './post-entries.ts'
import { sealLag } from './queries.ts'
import { sealBlocks } from './seal.ts'

async function setup() {
  const ledger = await testLedger(3)
  const [ann, bob, cid] = ledger.wallets as [bigint, bigint, bigint]
  return { ...ledger, ann, bob, cid }
}

test('seals number all movements without a gap and leave nothing unsealed', async () => {
  const { db, ann, fund, move, wrong } = await setup()
  await fund(ann, 5n)
  await fund(ann, 5n)
  expect(await sealBlocks(db)).toEqual({ blocks: 2, movements: 2, is_full: false })
  await move({ kind: 'hold', account: ann, amount: 1n })
  await fund(ann, 5n)
  await fund(ann, 5n)
  expect(await sealBlocks(db)).toEqual({ blocks: 3, movements: 3, is_full: false })
  expect(await sealBlocks(db)).toEqual({ blocks: 0, movements: 0, is_full: false })
  expect(await db.query('select number, first_line, last_line from ledger.seal order by number')).toEqual([
    { number: 1n, first_line: 1n, last_line: 2n },
    { number: 2n, first_line: 3n, last_line: 5n },
  ])
  expect(await sealLag(db)).toEqual({ blocks: 0, age_ms: 0 })
  expect(await wrong()).toEqual([])
})

test('a call stops at its limit and says that there is more; the oldest go first', async () => {
  const { db, ann, fund, wrong } = await setup()
  for (let i = 0; i < 5; i++) await fund(ann, 1n)
  expect(await sealBlocks(db, 2)).toEqual({ blocks: 2, movements: 2, is_full: true })
  const lines = await db.query('select version from ledger.line where account = $1 order by version', [ann])
  expect(lines).toEqual([{ version: 1n }, { version: 2n }])
  const lag = await sealLag(db)
  expect(lag.blocks).toBe(3)
  expect(lag.age_ms).toBeGreaterThan(0)
  expect(await wrong()).toEqual([])
})

test('a posting that commits late is sealed with those after it: none is missed', async () => {
  const { db, ann, bob, cid, world, fund, move, wrong } = await setup()
  await fund(ann, 1n)
  await sealBlocks(db)
  const posted = Promise.withResolvers<void>()
  const sealed = Promise.withResolvers<void>()
  const late = db.transaction(async (tx) => {
    const movement = { kind: 'transfer', debit: world, credit: bob, amount: 1n, reason: 'late' } as const
    await postEntries(tx, [{ key: 'late', movements: [movement] }])
    await tx.query('select 1')
    posted.resolve()
    await sealed.promise
  })
  await posted.promise
  // Between two accounts that the late one has not locked.
  await move({ kind: 'transfer', debit: ann, credit: cid, amount: 1n, reason: 'early' })
  expect((await sealBlocks(db)).blocks).toBe(1)
  sealed.resolve()
  await late
  await fund(ann, 1n)
  expect((await sealBlocks(db)).blocks).toBe(2)
  expect(await wrong()).toEqual([])
})

test('sealers at once do not disturb one another', async () => {
  const { db, ann, fund, wrong } = await setup()
  for (let i = 0; i < 8; i++) await fund(ann, 1n)
  const sealed = await Promise.all([sealBlocks(db), sealBlocks(db), sealBlocks(db)])
  expect(sealed.reduce((sum, each) => sum + each.blocks, 0)).toBe(8)
  expect(await wrong()).toEqual([])
})

test('the hashes are those of the texts that the migration promises', async () => {
  const { db, world, ann, bob, fund, move } = await setup()
  const deposit = await fund(ann, 100n)
  const hold = await move({
    kind: 'hold',
    account: ann,
    amount: 60n,
    expires_at: new Date(1_800_000_000_123),
    subject: { kind: 'a "b", c', id: 9n },
  })
  await move({ kind: 'capture', hold, credit: bob, amount: 20n, reason: 'pay' })
  await move({ kind: 'release', hold, amount: 'rest' })
  await sealBlocks(db)
  const texts = [
    `(transfer,${deposit},${deposit},${world},${ann},100,,,deposit,,,-100,0,1,100,0,1)`,
    `(hold,${hold},${hold},${ann},60,1800000000123000,"a ""b"", c",9,100,60,2)`,
    `(transfer,${hold + 16384n},${hold + 16384n},${ann},${bob},20,${hold},,pay,,,80,40,3,20,0,1)`,
    `(release,${hold + 32768n},${hold + 32768n},${hold},${ann},40,80,0,4)`,
  ]
  const blocks = await db.query<{ block: bigint; first_line: bigint; movements: number; hash: Buffer; micros: bigint }>(
    `select block, first_line, movements, hash, (extract(epoch from at) * 1000000)::bigint as micros
    from ledger.sealed_block order by block`,
  )
  expect(blocks.map((block) => block.hash)).toEqual(texts.map((text) => createHash('sha256').update(text).digest()))
  const body = blocks.map(({ block, first_line, movements, hash, micros }) => {
    const numbers = Buffer.alloc(32)
    for (const [i, value] of [block, first_line, BigInt(movements), micros].entries())
      numbers.writeBigInt64BE(value, 8 * i)
    return Buffer.concat([numbers, hash])
  })
  const [seal] = await db.query<{ hash: Buffer }>('select hash from ledger.seal')
  expect(seal?.hash).toEqual(createHash('sha256').update(Buffer.concat(body)).digest())
})

test('a block that lacks a movement is not sealed', async () => {
  const { db, ann, fund } = await setup()
  const deposit = await fund(ann, 100n)
  await db.transaction(async (tx) => {
    tx.send('set local session_replication_role = replica')
    tx.send('delete from ledger.transfer where id = $1', [deposit])
  })
  await expect(sealBlocks(db)).rejects.toThrow(InvariantError)
  expect((await sealLag(db)).blocks).toBe(1)
})
