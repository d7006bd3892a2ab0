import { expect, test } from 'vitest'
import type { App } from '#server/platform/app.ts'
import { testApp } from '#test/support/app.ts'
import { aUser } from '#test/support/identity.ts'
import { usageRows } from './queries.ts'

/** The use of many keys over a quarter of a year, ten of them those of one user. */
async function setup() {
  const app = await testApp()
  const user = await aUser(app)
  const insert = `
    insert into identity.api_key (user_id, name, prefix, key_hash, scopes, created_at)
    select $1, 'shop', 'sk_AbCdEf', sha256(('own ' || n)::bytea), '{*}', now() from generate_series(1, $2::int) as n`
  await app.db.query(insert, [user.id, 10])
  const crowd = await aUser(app)
  await app.db.query(insert.replace('own ', 'other '), [crowd.id, 300])
  await app.db.query(`
    insert into orders.key_day (customer_id, day, key_id, asset, placed, charged, captured, returned)
    select k.user_id, current_date - d, k.id, 'USD', 3, 1000, 10, 10 from identity.api_key k, generate_series(0, 91) as d`)
  await app.db.query(`
    insert into identity.key_hour (key_id, hour, spell, rest_requests)
    select k.id, date_trunc('hour', now()) - make_interval(hours => h), 0, 5 from identity.api_key k, generate_series(0, 91 * 24, 12) as h`)
  await app.db.query('analyze')
  return { app, user_id: user.id }
}

/** The tables that a statement reads whole, by the plan that is kept for all values, and the indexes that it uses. */
async function planOf(app: App, run: (app: Pick<App, 'db'>) => Promise<unknown>) {
  const texts: string[] = []
  const query: App['db']['query'] = async (sql, values) => {
    if (typeof sql !== 'string') texts.push(sql.text)
    return app.db.query(sql, values)
  }
  await run({ db: { ...app.db, query } })
  const plans = await Promise.all(
    texts.map((text) => app.db.query<{ 'QUERY PLAN': string }>(`explain (generic_plan) ${text}`)),
  )
  return plans.flat().map((row) => row['QUERY PLAN'])
}

test('a report walks along the indexes of its own customer and keys, however many others there are', async () => {
  const { app, user_id } = await setup()
  const range = { from: '2020-01-01', to: '2100-01-01' }
  const plan = await planOf(app, (watched) =>
    usageRows(watched, { customer_id: user_id, key_id: undefined }, range, 100),
  )
  expect(plan.filter((line) => line.includes('Seq Scan'))).toEqual([])
  expect(plan.join('\n')).toContain('key_day_pkey')
  expect(plan.join('\n')).toContain('key_hour_pkey')
})
