import { describe, expect, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import type { Db } from '#server/platform/db/database.ts'
import { testDatabase } from '#test/support/database.ts'
import type { Act, Actor } from './act.ts'
import { recordActs } from './record-acts.ts'

const ADA: Actor = {
  kind: 'user',
  user_id: 7n,
  via: 'key',
  key_id: 12n,
  ip: '2001:db8::7',
  request_id: 'req-1',
  user_agent: 'curl/8',
}
const KEY = 'sk_Abcdefghij-klmnopqrst_uvwxyz0123456789ABCDE'

const record = (db: Db, ...acts: Act[]) => db.transaction(async (tx) => recordActs(tx, acts))

function rows(db: Db) {
  return db.query<Record<string, unknown>>('select * from audit.act order by id')
}

test('an act is kept whole: who, what, on what, before and after, from where, why', async () => {
  const { db } = await testDatabase()
  await record(db, {
    action: 'users.renamed',
    actor: ADA,
    subject: { kind: 'user', id: 9n },
    before: { name: 'Bob', limit: 12n, seen: new Date(0) },
    after: { name: 'B"o\\b {}', limit: null, list: [1, 'x'] },
    reason: 'asked by phone',
  })
  const [row] = await rows(db)
  expect(row).toMatchObject({
    action: 'users.renamed',
    actor_kind: 'user',
    user_id: 7n,
    via: 'key',
    key_id: 12n,
    ip: '2001:db8::7',
    request_id: 'req-1',
    user_agent: 'curl/8',
    subject_kind: 'user',
    subject_id: '9',
    before: { name: 'Bob', limit: '12', seen: '1970-01-01T00:00:00.000Z' },
    after: { name: 'B"o\\b {}', limit: null, list: [1, 'x'] },
    reason: 'asked by phone',
  })
  const unsealed = await db.query<{ act: bigint }>('select act from audit.unsealed')
  expect(unsealed).toEqual([{ act: row?.id }])
})

test('many acts are one statement and keep their order; none is none', async () => {
  const { db } = await testDatabase()
  await record(db)
  const acts = Array.from({ length: 1_000 }, (_, i): Act => ({ action: 'a.b', actor: ADA, after: { i } }))
  await record(db, ...acts)
  const stored = await rows(db)
  expect(stored.map((row) => row.after)).toEqual(acts.map((act) => act.after))
  await expect(record(db, ...acts, ...acts)).rejects.toThrow('more than 1000 acts')
})

test('an act lives and dies with its transaction', async () => {
  const { db } = await testDatabase()
  const undone = db.transaction(async (tx) => {
    recordActs(tx, [{ action: 'a.b', actor: ADA }])
    throw new Error('changed my mind')
  })
  await expect(undone).rejects.toThrow('changed my mind')
  expect(await rows(db)).toEqual([])
  expect(await db.query('select from audit.unsealed')).toEqual([])
})

describe('a secret is refused loudly, without being told again', () => {
  const secrets: Record<string, Partial<Act>> = {
    'by the name of its field': { after: { password: 'x' } },
    'by its name deep within': { before: { a: [{ b: { client_secret: 'x' } }] } },
    'by its form': { after: { note: `use ${KEY} please` } },
    'by its form in a list': { after: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
    'by its form as a bare value': { before: KEY },
    'by its form as a name': { after: { [KEY]: 1 } },
    'by its form as the subject': { subject: { kind: 'api_key', id: KEY } },
  }
  test.for(Object.entries(secrets))('%s', async ([, act]) => {
    const { db } = await testDatabase()
    const failure = await record(db, { action: 'a.b', actor: ADA, ...act }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(InvariantError)
    expect((failure as Error).message).toContain('a.b')
    expect((failure as Error).message).not.toMatch(/sk_Abc|whsec_M/)
    expect(await rows(db)).toEqual([])
  })
})

test('a secret that someone outside put into their reason or client is masked', async () => {
  const { db } = await testDatabase()
  await record(db, { action: 'a.b', actor: { ...ADA, user_agent: `shop ${KEY}` }, reason: `my key is ${KEY}\0\uD800` })
  const [row] = await rows(db)
  expect(row).toMatchObject({ user_agent: 'shop ***', reason: 'my key is ***\uFFFD' })
})

test('what tells where it came from never costs an act', async () => {
  const { db } = await testDatabase()
  const from = (ip: string): Act => ({ action: 'a.b', actor: { kind: 'system', ip, user_agent: 'x'.repeat(10_000) } })
  await record(db, from('fe80::1%eth0'), from('::ffff:192.0.2.7'), from('unknown'), from(''))
  const stored = await rows(db)
  expect(stored.map((row) => row.ip)).toEqual(['fe80::1', '192.0.2.7', null, null])
  expect(stored.map((row) => (row.user_agent as string).length)).toEqual([200, 200, 200, 200])
})

const BAD: Record<string, Partial<Act>> = {
  'an action without a domain': { action: 'blocked' },
  'an action in capitals': { action: 'Users.Blocked' },
  'a subject without id': { subject: { kind: 'user', id: '' } },
  'a subject of no kind': { subject: { kind: 'A user', id: 1n } },
  'values beyond 16 KB': { after: { text: 'é'.repeat(8_192) } },
  'a reason beyond 1,000 characters': { reason: 'x'.repeat(1_001) },
}

test.for(Object.entries(BAD))('%s is a defect', async ([, act]) => {
  const { db } = await testDatabase()
  await expect(record(db, { action: 'a.b', actor: ADA, ...act })).rejects.toBeInstanceOf(InvariantError)
})
