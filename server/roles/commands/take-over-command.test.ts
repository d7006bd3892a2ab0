import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { verifyLedger } from '#server/domains/ledger/verify.ts'
import { sumFinance } from '#server/domains/orders/finance/sum-finance.ts'
import { verifyFinance } from '#server/domains/orders/finance/verify-finance.ts'
import { verifyOrders } from '#server/domains/orders/verify-orders.ts'
import { testApp } from '#test/support/app.ts'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'

const TABLES = {
  users: `id,email,name,balance,created_at
1,Ada@Example.com,Ada,12.50,2024-01-02 03:04:05
2,bob@example.com,Bob,0,
3,not an address,Eve,5,
4,eve@example.com,Eve,-1,
`,
  providers: `id,name,url,key,currency,balance
5,Old panel,http://127.0.0.1:9/api/v2,0123456789abcdef,USD,100.25
6,Elsewhere,https://panel.example/api/v2,0123456789abcdef,USD,1
`,
  services: `id,name,category,type,rate,min,max,provider_id,provider_service_id,cost,refill,status
40,"Translation, general",Words,Default,2.00,10,1000,5,17,1.20,true,active
41,Captions,Words,custom_comments,5,1,100,5,18,2,false,inactive
42,Nobody's,Words,Default,1,1,10,99,1,1,,
43,Dearer than it is sold,Words,Default,1,1,10,5,19,3,,
`,
  orders: `id,user_id,service_id,link,quantity,charge,start_count,status,remains,provider_order_id,provider_id,provider_status,created_at,updated_at,cost
9001,1,40,https://example.com/a,100,0.2,,Completed,0,71,5,Completed,2024-05-01 10:00:00,2024-05-02 11:00:00,0.12
9002,1,40,https://example.com/b,1000,2,,Partial,250,72,5,Partial,2024-05-01 10:00:00,2024-05-02 11:00:00,
9003,1,40,https://example.com/c,100,0.2,3,In progress,50,73,5,In progress,2024-06-01 10:00:00,2024-06-02 11:00:00,0.12
9004,2,40,https://example.com/d,100,0.2,,pending,,,5,,2024-06-03 10:00:00,,
9005,2,41,https://example.com/e,2,0.01,,cancelled,,74,5,,2024-06-03 10:00:00,,
9006,1,40,https://example.com/f,100,0.2,,Mislaid,,75,5,,2024-06-03 10:00:00,,
9007,3,40,https://example.com/g,100,0.2,,Completed,0,76,5,,2024-06-03 10:00:00,,
9008,1,40,https://example.com/h,100,0.2,,Completed,0,73,5,,2024-06-03 10:00:00,,
`,
}

async function setup(tables: Partial<typeof TABLES> = {}) {
  const { db, url } = await testDatabase()
  const app = await testApp({ url })
  const folder = await mkdtemp(join(tmpdir(), 'saldo-take-over-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const write = async (changed: Partial<typeof TABLES>) => {
    for (const [name, text] of Object.entries(changed)) await writeFile(join(folder, `${name}.csv`), text)
  }
  await write({ ...TABLES, ...tables })
  const run = terminal(url)
  const takeOver = (...options: string[]) => run('take-over', folder, ...options)
  /** What customers have: posted and held. */
  const wallets = async () =>
    Object.fromEntries(
      (
        await db.query<{ email: string; posted: bigint; held: bigint }>(
          `select u.email, b.posted, b.held from identity.user u
          join ledger.account_name a on a.owner_kind = 'customer' and a.owner_id = u.id join ledger.balance b on b.account = a.id`,
        )
      ).map(({ email, posted, held }) => [email, [posted, held]]),
    )
  const count = async (table: string) => (await db.query(`select 1 from ${table}`)).length
  return { app, db, folder, write, takeOver, wallets, count }
}

test('what stands in the tables of another panel is taken over, once, to the last unit', async () => {
  const { app, db, folder, takeOver, wallets, count } = await setup()
  const dry = await takeOver('--dry-run', 'yes')
  expect(
    await Promise.all(['orders.orders', 'catalog.service', 'providers.provider', 'ledger.transfer'].map(count)),
  ).toEqual([0, 0, 0, 0])

  const refused = join(folder, 'refused.csv')
  const first = await takeOver('--refused', refused)
  expect(first.out).toBe(
    [
      'users: 4 rows, 2 taken over, 0 already here, 2 refused; balances of 12.50 USD',
      'providers: 2 rows, 1 taken over, 0 already here, 1 refused',
      'services: 4 rows, 3 taken over, 0 already here, 1 refused',
      'orders: 8 rows, 5 taken over, 0 already here, 3 refused; 0.40 USD held for open ones',
      '',
    ].join('\n'),
  )
  // A dry run says the same.
  expect(dry).toEqual({ code: 1, out: `${first.out}A dry run: nothing was kept.\n`, err: first.err })
  expect(first.code).toBe(1)
  expect(first.err.trim().split('\n')).toEqual([
    'users.csv, line 4, id 3: email: is no address such as name@example.com',
    'users.csv, line 5, id 4: balance: is below zero: settle it there, or write it off',
    'providers.csv, line 3, id 6: url: a sandbox calls only simulated providers on 127.0.0.1: real keys and play money do not meet',
    'services.csv, line 4, id 42: provider_id: is none that was taken over',
    'orders.csv, line 8, id 9007: user_id: is no customer that was taken over',
    'orders.csv, line 7, id 9006: status: is none that is known, or partial with remains that make no sense',
    'orders.csv, line 9, id 9008: provider_order_id: another order has this number at the provider',
  ])
  expect((await readFile(refused, 'utf8')).trim().split('\n')).toHaveLength(8)

  // Balances as they were there, and besides what open orders hold.
  expect(await wallets()).toEqual({
    'ada@example.com': [12_700_000n, 200_000n],
    'bob@example.com': [200_000n, 200_000n],
  })
  const orders = await db.query(
    'select id, state, charge, captured, released, remains, booked_cost, reason from orders.orders order by id',
  )
  const money = (charge: bigint, captured: bigint, released: bigint) => ({ charge, captured, released })
  expect(orders).toEqual([
    { id: 9001n, state: 'completed', ...money(200_000n, 200_000n, 0n), remains: 0n, booked_cost: 0n, reason: null },
    {
      id: 9002n,
      state: 'partial',
      ...money(2_000_000n, 1_500_000n, 500_000n),
      remains: 250n,
      booked_cost: 0n,
      reason: null,
    },
    { id: 9003n, state: 'in_progress', ...money(200_000n, 0n, 0n), remains: 50n, booked_cost: 120_000n, reason: null },
    { id: 9004n, state: 'failed', ...money(200_000n, 0n, 0n), remains: null, booked_cost: 0n, reason: 'taken_over' },
    { id: 9005n, state: 'cancelled', ...money(10_000n, 0n, 10_000n), remains: null, booked_cost: 0n, reason: null },
  ])
  const services = await db.query('select id, rate, active, deactivated_reason from catalog.service order by id')
  expect(services).toEqual([
    { id: 40n, rate: 2_000_000n, active: true, deactivated_reason: null },
    { id: 41n, rate: 5_000_000n, active: false, deactivated_reason: 'staff' },
    { id: 43n, rate: 1_000_000n, active: false, deactivated_reason: 'below_cost' },
  ])

  // Once: a second run finds all of it there, and moves nothing.
  const transfers = await count('ledger.transfer')
  const second = await takeOver()
  expect(second.out).toContain('users: 4 rows, 0 taken over, 2 already here, 2 refused')
  expect(second.out).toContain('services: 4 rows, 0 taken over, 3 already here, 1 refused')
  expect(second.out).toContain('orders: 8 rows, 0 taken over, 5 already here, 3 refused; 0.00 USD')
  expect(await count('ledger.transfer')).toBe(transfers)

  while ((await sealBlocks(app.db)).is_full);
  while ((await sumFinance(app)).more);
  expect((await verifyLedger(app.db)).problems).toEqual([])
  expect((await verifyOrders(app.db)).problems).toEqual([])
  expect(await verifyFinance(app.db)).toEqual([])
  // The past is no turnover, and orders are numbered on from behind those that were taken over.
  const [figures] = await db.query<{ turnover: bigint }>(
    'select sum(turnover)::bigint as turnover from orders.finance_day',
  )
  expect(figures?.turnover).toBe(0n)
  const [next] = await db.query<{ id: bigint }>(`select nextval('orders.order_number') as id`)
  expect(next?.id).toBe(9009n)
})

test('a second run takes what is new and says what has changed since', async () => {
  const { write, takeOver, wallets } = await setup({ users: `id,email,balance\n1,ada@example.com,12.50\n` })
  await takeOver()
  await write({
    users: `id,email,balance\n1,ada@example.com,13\n2,bob@example.com,1\n`,
    orders: TABLES.orders.replace('9001,1,40,https://example.com/a,100', '9001,1,40,https://example.com/a,200'),
  })
  const { out, err } = await takeOver()
  expect(out).toContain('users: 2 rows, 1 taken over, 0 already here, 1 refused; balances of 1.00 USD')
  expect(err).toContain('users.csv, line 2, id 1: balance: was taken over before with another amount')
  expect(err).toContain('orders.csv, line 2, id 9001: id: was taken over before, and stands otherwise there now')
  expect(await wallets()).toMatchObject({
    'ada@example.com': [12_700_000n, 200_000n],
    'bob@example.com': [1_200_000n, 200_000n],
  })
})

test('what fills more than one batch is counted and taken as a whole', async () => {
  const [header] = TABLES.orders.split('\n')
  const orders = Array.from(
    { length: 1_001 },
    (_, i) => `${20_000 + i},1,40,https://example.com/${i},10,0.02,,Completed,0,n${i},5,,2024-05-01,,`,
  )
  const { takeOver, count } = await setup({ orders: `${[header, ...orders].join('\n')}\n` })
  expect((await takeOver()).out).toContain('orders: 1001 rows, 1001 taken over, 0 already here, 0 refused')
  expect(await count('orders.orders')).toBe(1_001)
})

test('a folder without one of the tables is told, and nothing is taken', async () => {
  const { takeOver, folder, count } = await setup()
  await rm(join(folder, 'orders.csv'))
  const { code, err } = await takeOver()
  expect([code, await count('identity.user')]).toEqual([2, 0])
  expect(err).toContain('orders.csv cannot be read')
})

test.each([
  ['a column that is missing', { users: 'id,name\n1,Ada\n' }, 'users.csv has no column email, balance.'],
  ['a line of too many fields', { users: 'id,email,balance\n1,ada@example.com,1,2\n' }, 'on line 2'],
  [
    'a quotation mark that stays open',
    { users: 'id,email,balance\n1,"ada@example.com,1\n' },
    'users.csv: Quote Not Closed',
  ],
])('%s is told, and nothing is taken', async (_, tables, message) => {
  const { takeOver, count } = await setup(tables)
  const { code, err } = await takeOver()
  expect(code).not.toBe(0)
  expect(err).toContain(message)
  expect(await count('orders.orders')).toBe(0)
})
