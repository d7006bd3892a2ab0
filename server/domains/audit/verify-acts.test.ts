import { expect, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import { testDatabase } from '#test/support/database.ts'
import { SYSTEM } from './act.ts'
import { recordActs } from './record-acts.ts'
import { sealActs } from './seal-acts.ts'
import { verifyActs } from './verify-acts.ts'

/** Acts 1 to 3 in one seal, 4 and 5 in the next, 6 not sealed yet. */
async function setup(): Promise<Db> {
  const { db } = await testDatabase()
  const record = (...reasons: string[]) =>
    db.transaction(async (tx) => {
      recordActs(
        tx,
        reasons.map((reason) => ({
          action: 'users.blocked',
          actor: SYSTEM,
          subject: { kind: 'user', id: 7n },
          reason,
        })),
      )
    })
  await record('one', 'two', 'three')
  await sealActs(db)
  await record('four', 'five')
  await sealActs(db)
  await record('six')
  return db
}

/** Changes rows as no statement of ours can. */
async function corrupt(db: Db, sql: string): Promise<void> {
  await db.transaction(async (tx) => {
    tx.send('set local session_replication_role = replica')
    expect(await tx.query(`with changed as (${sql} returning 1) select from changed`)).not.toHaveLength(0)
  })
}

test('a sound audit is proven while others go on recording', async () => {
  const db = await setup()
  const told: string[] = []
  const [proof] = await Promise.all([
    verifyActs(db, { onProgress: (text) => told.push(text) }),
    db.transaction(async (tx) => recordActs(tx, [{ action: 'a.b', actor: SYSTEM }])),
  ])
  expect(proof).toMatchObject({ ok: true, problems: [], seals: 2n })
  expect(proof.acts - proof.unsealed).toBe(5n)
  expect(proof.head).toMatch(/^[0-9a-f]{64}$/)
  expect(told.every((text) => text.startsWith('proven: ')) && told.length > 0).toBe(true)
})

test('an empty audit is sound', async () => {
  const { db } = await testDatabase()
  expect(await verifyActs(db)).toMatchObject({ ok: true, acts: 0n, head: null })
})

const DAMAGE: Record<string, { sql: string; names: string; what: string }> = {
  'a reason that was rewritten': {
    sql: `update audit.act set reason = 'nothing' where id = 2`,
    names: 'audit.act 2',
    what: 'it is not what was sealed',
  },
  'an act put under another name': {
    sql: `update audit.act set actor_kind = 'user', user_id = 8 where id = 4`,
    names: 'audit.act 4',
    what: 'it is not what was sealed',
  },
  'an act moved in time': {
    sql: `update audit.act set at = at + interval '1 microsecond' where id = 3`,
    names: 'audit.act 3',
    what: 'it is not of the moment that was sealed',
  },
  'an act deleted': { sql: 'delete from audit.act where id = 5', names: 'audit.act 5', what: 'it is missing' },
  'several acts deleted, the first of which is named': {
    sql: 'delete from audit.act where id in (2, 4, 5)',
    names: 'audit.act 2',
    what: 'it is missing',
  },
  'an act that waits to be sealed deleted': {
    sql: 'delete from audit.act where id = 6',
    names: 'audit.act 6',
    what: 'it is missing',
  },
  'an act that was slipped in': {
    sql: `insert into audit.act (action, actor_kind) values ('users.blocked', 'system')`,
    names: 'audit.act 7',
    what: 'it is neither sealed nor waiting to be',
  },
  'an act taken from among those that wait': {
    sql: 'delete from audit.unsealed where act = 6',
    names: 'audit.act 6',
    what: 'it is neither sealed nor waiting to be',
  },
  'an act that waits though it is sealed': {
    sql: 'insert into audit.unsealed select act, at from audit.sealed_act where act = 2',
    names: 'audit.act 2',
    what: 'it is sealed, or waits to be, more than once',
  },
  'a seal with another hash': {
    sql: `update audit.seal set hash = sha256('') where number = 1`,
    names: 'audit.seal 1',
    what: 'its hash is not that of what it covers',
  },
  'a seal whose acts are numbered otherwise': {
    sql: 'update audit.sealed_act set number = 50 where number = 5',
    names: 'audit.seal 2',
    what: 'its acts are not numbered on',
  },
  'a seal renumbered': {
    sql: 'update audit.seal set number = 20 where number = 2',
    names: 'audit.seal 20',
    what: 'its number does not follow the one before',
  },
  'the last seal cut off': {
    sql: 'delete from audit.sealed_act where seal = 2',
    names: 'audit.act 4',
    what: 'it is neither sealed nor waiting to be',
  },
}

test.for(Object.entries(DAMAGE))('%s is found, and the first wrong row named', async ([, { sql, names, what }]) => {
  const db = await setup()
  await corrupt(db, sql)
  const { ok, problems } = await verifyActs(db)
  expect(ok).toBe(false)
  expect(`${problems[0]?.table} ${problems[0]?.id}`).toBe(names)
  expect(problems[0]?.what).toBe(what)
})

test('who rewrites an act and its hash is betrayed by the seal, and by the next one if that is rewritten too', async () => {
  const db = await setup()
  await corrupt(db, `update audit.act set reason = 'nothing' where id = 1`)
  const forged = `sha256(convert_to((select text from audit.act_text where id = 1), 'UTF8'))`
  await corrupt(db, `update audit.sealed_act set hash = ${forged} where act = 1`)
  const { problems } = await verifyActs(db)
  expect(problems.map((each) => `${each.table} ${each.id}`)).toEqual(['audit.seal 1'])
  const made = /hash ([0-9a-f]{64})/.exec(problems[0]?.expected ?? '')?.[1]
  await corrupt(db, `update audit.seal set hash = decode('${made}', 'hex') where number = 1`)
  expect((await verifyActs(db)).problems.map((each) => `${each.table} ${each.id}`)).toEqual(['audit.seal 2'])
})

const SET = { act: 'reason = reason', seal: 'hash = hash', sealed_act: 'act = act' }

test.for(Object.entries(SET))('no row of audit.%s is changed, deleted or emptied', async ([table, set]) => {
  const db = await setup()
  for (const sql of [
    `update audit.${table} set ${set}`,
    `delete from audit.${table}`,
    `truncate audit.${table} cascade`,
  ]) {
    await expect(db.query(sql), sql).rejects.toMatchObject({ code: '23001' })
  }
})

test('the partition of a month refuses changes too', async () => {
  const db = await setup()
  const [row] = await db.query<{ partition: string }>(
    'select tableoid::regclass::text as partition from audit.act limit 1',
  )
  expect(row?.partition).toMatch(/^audit\.act_y\d{4}m\d{2}$/)
  await expect(db.query(`update ${row?.partition} set reason = null`)).rejects.toMatchObject({ code: '23001' })
  await expect(db.query(`delete from ${row?.partition}`)).rejects.toMatchObject({ code: '23001' })
})
