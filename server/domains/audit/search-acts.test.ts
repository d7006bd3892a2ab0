import { describe, expect, test } from 'vitest'
import type { Db } from '#server/platform/db/database.ts'
import { testDatabase } from '#test/support/database.ts'
import type { Act } from './act.ts'
import { recordActs } from './record-acts.ts'
import { sealActs } from './seal-acts.ts'
import { type ActCursor, type ActFilter, searchActs, searchSql } from './search-acts.ts'

const ada = { kind: 'user', user_id: 7n, via: 'key', key_id: 12n, ip: '192.0.2.7', request_id: 'r1' } as const
const bob = { kind: 'user', user_id: 8n, via: 'session', ip: '2001:db8::8', request_id: 'r2' } as const

const ACTS: Act[] = [
  {
    action: 'users.blocked',
    actor: ada,
    subject: { kind: 'user', id: 17n },
    reason: 'Charge-back 4711 of ann@example.com',
  },
  { action: 'users.unblocked', actor: bob, subject: { kind: 'user', id: 17n }, reason: 'ЕЁ РЕШЕНИЕ, অনুরোধ' },
  { action: 'users_extra.made', actor: { kind: 'system' } },
  { action: 'services.edited', actor: ada, subject: { kind: 'service', id: 17n } },
  {
    action: 'users.created',
    actor: { kind: 'command', user_agent: 'saldo create-user' },
    subject: { kind: 'user', id: 18n },
  },
]

async function setup() {
  const { db } = await testDatabase()
  // One by one, so that each has its own moment.
  for (const act of ACTS) await db.transaction(async (tx) => recordActs(tx, [act]))
  await sealActs(db)
  const find = async (filter: ActFilter) =>
    (await searchActs(db, filter, { limit: 100 })).acts.map((act) =>
      ACTS.findIndex((each) => each.action === act.action),
    )
  return { db, find }
}

test('without conditions all acts come, newest first, with their numbers in the chain', async () => {
  const { db } = await setup()
  const { acts, has_more } = await searchActs(db, {}, { limit: 10 })
  expect(acts.map((act) => [act.action, act.number])).toEqual(
    ACTS.map((act, i) => [act.action, BigInt(i + 1)]).reverse(),
  )
  expect(has_more).toBe(false)
  expect(acts[4]).toMatchObject({
    user_id: 7n,
    via: 'key',
    key_id: 12n,
    ip: '192.0.2.7',
    request_id: 'r1',
    subject_id: '17',
  })
})

const FOUND: [ActFilter, number[]][] = [
  [{ user_id: 7n }, [3, 0]],
  [{ key_id: 12n }, [3, 0]],
  [{ actor_kind: 'command' }, [4]],
  [{ action: 'users.blocked' }, [0]],
  [{ action: 'users.*' }, [4, 1, 0]],
  [{ action: 'users*' }, [4, 2, 1, 0]],
  [{ action: '*' }, [4, 3, 2, 1, 0]],
  [{ subject_kind: 'user', subject_id: '17' }, [1, 0]],
  [{ subject_kind: 'user' }, [4, 1, 0]],
  [{ ip: '192.0.2.7' }, [3, 0]],
  [{ ip: '192.0.2.0/24' }, [3, 0]],
  [{ ip: '2001:db8::/32' }, [1]],
  [{ ip: '198.51.100.0/24' }, []],
  [{ request_id: 'r2' }, [1]],
  [{ reason: 'charge' }, [0]],
  [{ reason: 'back 47' }, [0]],
  [{ reason: '4711 CHARGE' }, [0]],
  [{ reason: 'example' }, [0]],
  [{ reason: 'ann@example.com' }, [0]],
  [{ reason: 'অনুরোধ' }, [1]],
  [{ reason: 'charge nothing' }, []],
  [{ reason: `'; drop` }, []],
  [{ user_id: 7n, action: 'services.*' }, [3]],
  [{ user_id: 7n, subject_kind: 'user', reason: 'charge', ip: '192.0.2.7' }, [0]],
]

test.for(FOUND)('%o', async ([filter, expected]) => {
  const { find } = await setup()
  expect(await find(filter)).toEqual(expected)
})

test('a time is a half-open range', async () => {
  const { db, find } = await setup()
  const rows = await db.query<{ at: Date }>(`select date_trunc('milliseconds', at) as at from audit.act order by at`)
  const at = rows[2]?.at as Date
  const [earlier, later] = [await find({ to: at }), await find({ from: at })]
  expect([...later, ...earlier]).toEqual([4, 3, 2, 1, 0])
  expect(later).toContain(4)
  expect(earlier).toContain(0)
})

test('pages lose nothing and repeat nothing, though many acts share one moment', async () => {
  const { db } = await testDatabase()
  await db.transaction(async (tx) => {
    recordActs(
      tx,
      Array.from({ length: 50 }, (_, n) => ({ action: 'a.b', actor: ada, after: { n } })),
    )
  })
  const seen: unknown[] = []
  let after: ActCursor | undefined
  for (let more = true; more; ) {
    const page = await searchActs(db, { user_id: 7n }, { limit: 7, ...(after && { after }) })
    seen.push(...page.acts.map((act) => (act.after as { n: number }).n))
    after = page.acts.at(-1)
    more = page.has_more
  }
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => 49 - i))
})

describe('at volume', () => {
  const ROWS = 60_000

  /** Acts over a quarter, of a thousand people, most of them of one kind. */
  async function fill(db: Db): Promise<void> {
    await db.query(`insert into audit.act (at, action, actor_kind, user_id, ip, request_id, subject_kind, subject_id, reason)
      select now() + n * interval '100 seconds', case when n % 100 = 0 then 'rare.act' || n % 7 else 'common.act' || n % 3 end, 'user',
        n % 1000, '10.0.0.0'::inet + n % 5000, 'req-' || n, 'thing', (n % 20000)::text,
        case when n % 50 = 0 then 'because of number ' || n end
      from generate_series(1, ${ROWS}) as n`)
    await db.query('analyze audit.act')
  }

  interface Plan {
    'Node Type': string
    'Index Name'?: string
    'Actual Rows'?: number
    'Actual Loops'?: number
    'Rows Removed by Filter'?: number
    Plans?: Plan[]
  }

  const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)]

  const EXPECTED: Record<string, { filter: ActFilter; index: RegExp }> = {
    'all, newest first': { filter: {}, index: /_pkey$/ },
    'a person': { filter: { user_id: 77n }, index: /user_id/ },
    'an action': { filter: { action: 'rare.act0' }, index: /action/ },
    'the beginning of a rare action': { filter: { action: 'rare.*' }, index: /action|pkey/ },
    'the beginning of a common action': { filter: { action: 'common.*' }, index: /pkey/ },
    'a thing': { filter: { subject_kind: 'thing', subject_id: '77' }, index: /subject/ },
    'an address': { filter: { ip: '10.0.0.77' }, index: /ip_/ },
    'a network': { filter: { ip: '10.0.0.64/28' }, index: /ip_/ },
    'a request': { filter: { request_id: 'req-77' }, index: /request_id/ },
    'words of a reason': { filter: { reason: 'number 4950' }, index: /words/ },
    'a time': { filter: { from: new Date(0), to: new Date(Date.now() + 5_000_000) }, index: /_pkey$/ },
  }

  /** A page of one act in a hundred, found by time, reads a hundred times its rows. */
  const ROWS_READ_MAX = 6_000

  test('each way of looking back is served by an index that reads few rows, and no partition is read whole', async () => {
    const { db } = await testDatabase()
    await fill(db)
    for (const [name, { filter, index }] of Object.entries(EXPECTED)) {
      const { sql, values } = searchSql(filter, { limit: 51 })
      const [row] = await db.transaction(async (tx) => {
        tx.send(`select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true)`)
        return tx.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(`explain (analyze, format json) ${sql}`, values)
      })
      const all = nodes(row?.['QUERY PLAN'][0].Plan as Plan)
      const read = all.reduce(
        (sum, node) => sum + (node['Rows Removed by Filter'] ?? 0) * (node['Actual Loops'] ?? 1),
        0,
      )
      const used = all.flatMap((node) => node['Index Name'] ?? []).filter((each) => each.startsWith('act_'))
      const seen = { name, whole: all.some((node) => node['Node Type'] === 'Seq Scan'), removed: read > ROWS_READ_MAX }
      expect(seen).toEqual({ name, whole: false, removed: false })
      expect([name, used.join()]).toEqual([name, expect.stringMatching(index)])
    }
  })
})
