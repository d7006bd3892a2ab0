import { expect, onTestFinished, test } from 'vitest'
import { aKey, anAuthentication, identityApp } from '#test/support/identity.ts'
import { checkApiKey } from './check-api-key.ts'
import { deleteOldUse, USE_KEPT_DAYS } from './delete-old-use.ts'
import { KeyUse } from './key-use.ts'

const rowsOf = (app: Awaited<ReturnType<typeof identityApp>>) =>
  app.db.query<Record<string, bigint | Date | number>>('select * from identity.key_hour order by key_id, hour, spell')

test('requests are counted by door, those from elsewhere apart, and those of wrong keys not at all', async () => {
  const app = await identityApp()
  const authentication = await anAuthentication(app)
  const { key, api_key } = await aKey(app, { allowed_ips: ['192.0.2.0/24'] })
  await checkApiKey(authentication, key, '192.0.2.1')
  await checkApiKey(authentication, key, '192.0.2.1', 'panel')
  await checkApiKey(authentication, key, '192.0.2.2', 'panel')
  await checkApiKey(authentication, key, '198.51.100.1', 'panel')
  await checkApiKey(authentication, `sk_${'x'.repeat(43)}`, '192.0.2.1')
  await authentication.key_use.flush()
  const counted = { key_id: api_key.id, spell: 0, rest_requests: 1n, panel_requests: 2n, foreign_requests: 1n }
  expect(await rowsOf(app)).toMatchObject([counted])
})

test('two processes add to the same hour, and the next hour begins anew', async () => {
  const app = await identityApp()
  const { api_key } = await aKey(app)
  const [one, other] = [new KeyUse(app), new KeyUse(app)]
  onTestFinished(() => one.close())
  onTestFinished(() => other.close())
  const use = (by: KeyUse, orders: number) => {
    const tally = by.of(api_key.id)
    tally.orders += orders
    tally.spent += 10n ** 12n
  }
  use(one, 3)
  use(other, 4)
  await Promise.all([one.flush(), other.flush()])
  expect(await rowsOf(app)).toMatchObject([{ orders: 7n, spent: 2n * 10n ** 12n }])
  await one.flush()
  app.clock.ahead_ms = 60 * 60_000
  use(one, 5)
  await one.flush()
  expect((await rowsOf(app)).map((row) => row.orders)).toEqual([7n, 5n])
})

test('what a key that is gone was used for is passed over, and a failed write is logged and holds nothing up', async () => {
  const app = await identityApp()
  const { api_key } = await aKey(app)
  let broken = true
  const query: typeof app.db.query = async (sql, values) => {
    if (broken) throw new Error('the database is away')
    return app.db.query(sql, values)
  }
  const use = new KeyUse({ ...app, db: { ...app.db, query } })
  onTestFinished(() => use.close())
  use.of(api_key.id).orders += 1
  await use.flush()
  expect(app.logged.join()).toContain('the database is away')
  broken = false
  use.of(api_key.id).orders += 2
  use.of(999_999n).orders += 2
  await use.flush()
  expect(await rowsOf(app)).toMatchObject([{ key_id: api_key.id, orders: 2n }])
})

test('what is older than is kept goes, the rest stays', async () => {
  const app = await identityApp()
  const { api_key } = await aKey(app)
  await app.db.query(
    `insert into identity.key_hour (key_id, hour, spell)
    select $1, date_trunc('hour', now()) - make_interval(days => days), 0 from unnest($2::int[]) as days`,
    [api_key.id, [0, USE_KEPT_DAYS - 1, USE_KEPT_DAYS + 1, USE_KEPT_DAYS + 300]],
  )
  expect(await deleteOldUse(app)).toBe(2)
  expect(await deleteOldUse(app)).toBe(0)
  expect(await rowsOf(app)).toHaveLength(2)
})
