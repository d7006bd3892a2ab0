import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sealBlocks } from '#server/domains/ledger/seal.ts'
import { sumFinance } from '#server/domains/orders/finance/sum-finance.ts'
import { verifyFinance } from '#server/domains/orders/finance/verify-finance.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { testApp } from '#test/support/app.ts'
import { countingStatements } from '#test/support/counting.ts'
import { expectSound } from '#test/support/order-book.ts'
import { type RefusedRow, type TakeOver, takeOver } from './take-over.ts'

const ADDRESS = 'http://127.0.0.1:9/api/v2,0123456789abcdef'
const PROVIDERS = 'id,name,url,key,currency,balance'
const USERS = 'id,email,balance'
const SERVICES = 'id,name,rate,min,max,provider_id,provider_service_id,cost'
const ORDERS = 'id,user_id,service_id,link,quantity,charge,status,remains,provider_order_id,created_at,cost'

const orderLine = (id: string, n: number) =>
  `${id},1,40,https://example.com/${n},100,0.2,In progress,50,n${n},2024-06-01,0.12`

const TABLES = {
  users: [USERS, '1,ada@example.com,12.50'],
  providers: [PROVIDERS, `5,Old panel,${ADDRESS},USD,100.25`],
  services: [SERVICES, '40,Translation,2,10,1000,5,17,1.20'],
  orders: [ORDERS, orderLine('9001', 1)],
}

type Tables = typeof TABLES

async function setup(tables: Partial<Tables> = {}) {
  const app = await testApp()
  const secrets = await openSecrets(app.config)
  const providers = openProviders({ ...app, secrets })
  onTestFinished(() => providers.close())
  const folder = await mkdtemp(join(tmpdir(), 'saldo-take-over-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const write = async (changed: Partial<Tables>) => {
    for (const [name, lines] of Object.entries(changed))
      await writeFile(join(folder, `${name}.csv`), `${lines.join('\n')}\n`)
  }
  await write({ ...TABLES, ...tables })
  const saldo = { app, secrets, providers, close: async () => {} }
  const run = async (options: Partial<TakeOver> = {}, on = app) => {
    const refused: RefusedRow[] = []
    const reports = await takeOver(
      { ...saldo, app: on },
      {
        ...{ folder, source: 'panel', dry_run: false, onProgress: () => {} },
        onRefused: (row) => refused.push(row),
        ...options,
      },
    )
    return { reports, refused: refused.map(({ table, line, id, reason }) => `${table} ${line} ${id} ${reason}`) }
  }
  const numbers = async () => {
    const [row] = await app.db.query<{ order: bigint; service: bigint | null }>(
      `select (select case when is_called then last_value else 0 end from orders.order_number) as order,
        pg_sequence_last_value('catalog.service_id_seq'::regclass) as service`,
    )
    return [row?.order, row?.service]
  }
  const prepaid = () =>
    app.db.query<{ name: string; posted: bigint }>(
      `select p.name, b.posted from ledger.balance b join ledger.account_name a on a.id = b.account and a.purpose = 'prepaid'
      join providers.provider p on p.id = a.owner_id order by p.name`,
    )
  const add = (name: string, currency = 'USD') =>
    app.db.transaction((tx) =>
      addProvider(tx, secrets, { name, url: 'http://127.0.0.1:9/api/v2', key: '0123456789abcdef', currency }),
    )
  return { app, write, run, numbers, prepaid, add }
}

test('a dry run keeps no number of services or orders, and the same process may do it in earnest then, with the same report', async () => {
  const { app, run, numbers, prepaid } = await setup()
  const before = await numbers()
  const dry = await run({ dry_run: true })
  expect(await numbers()).toEqual(before)
  expect(await run()).toEqual(dry)
  expect(await numbers()).toEqual([9001n, 40n])
  expect(await prepaid()).toEqual([{ name: 'Old panel', posted: 100_250_000n }])
  await expectSound(app)
})

test('numbers are drawn on from where they are, if that is behind those that are taken over', async () => {
  const { app, run, numbers } = await setup()
  await app.db.query(`select setval('catalog.service_id_seq', 500), setval('orders.order_number', 20000)`)
  await run()
  expect(await numbers()).toEqual([20_000n, 500n])
})

test.each(['9007199254740992', '99999999999999999999999999', '1.0', '1e3', '0', '-7', '0x10', ''])(
  'a row with the number %j is refused by itself, and moves no numbers',
  async (id) => {
    const { run, numbers } = await setup({
      users: [...TABLES.users, `${id},bob@example.com,1`],
      providers: [...TABLES.providers, `${id},Other,${ADDRESS},USD,1`],
      services: [...TABLES.services, `${id},Other,2,10,1000,5,18,1.20`],
      orders: [...TABLES.orders, orderLine(id, 2)],
    })
    const { reports, refused } = await run()
    expect(refused.map((text) => text.split(':')[0])).toEqual(
      ['users', 'providers', 'services', 'orders'].map((table) => `${table} 3 ${id} id`),
    )
    for (const report of Object.values(reports)) expect(report).toMatchObject({ taken: 1, refused: 1 })
    expect(await numbers()).toEqual([9001n, 40n])
  },
)

test('the highest number that programs read exactly is taken', async () => {
  const { app, run } = await setup({ orders: [ORDERS, orderLine('9007199254740991', 1)] })
  expect((await run()).refused).toEqual([])
  expect(await app.db.query('select id from orders.orders')).toEqual([{ id: 9_007_199_254_740_991n }])
})

test('a balance with a provider that is here is opened while nothing was counted with it, and stays as it is counted then', async () => {
  const { app, add, run, prepaid } = await setup({
    providers: [PROVIDERS, `5,Old panel,${ADDRESS},USD,100`, `6,Old panel,${ADDRESS},USD,7`, `7,Used,${ADDRESS},USD,9`],
  })
  await add('Old panel')
  const used = await add('Used')
  await app.db.query(
    `with made as (insert into ledger.account_name (owner_kind, owner_id, purpose, asset) values ('provider', $1, 'prepaid', 'USD') returning id)
    insert into ledger.balance (account, asset, posted, version) select id, 'USD', 3, 1 from made`,
    [used.id],
  )
  const { reports, refused } = await run()
  expect(refused).toEqual([])
  expect(reports.providers).toMatchObject({ rows: 3, taken: 0, there: 3 })
  const opened = [
    { name: 'Old panel', posted: 100_000_000n },
    { name: 'Used', posted: 3n },
  ]
  expect(await prepaid()).toEqual(opened)
  expect((await run()).reports.providers).toMatchObject({ there: 3, refused: 0 })
  expect(await prepaid()).toEqual(opened)
})

test('a balance with a provider that has changed since is told, and so are one below zero and another currency; none of them moves anything', async () => {
  const { add, write, run, prepaid } = await setup()
  await run()
  await add('In roubles', 'RUB')
  const before = await prepaid()
  await write({
    providers: [
      PROVIDERS,
      `5,Old panel,${ADDRESS},USD,90`,
      `6,New panel,${ADDRESS},USD,-0.01`,
      `7,In roubles,${ADDRESS},USD,5`,
    ],
  })
  const { reports, refused } = await run()
  expect(refused.filter((text) => text.startsWith('providers'))).toEqual([
    'providers 3 6 balance: is below zero: settle it there',
    'providers 4 7 currency: is USD, and of the provider of this name here RUB',
    'providers 2 5 balance: was taken over before with another amount',
  ])
  expect(reports.providers).toMatchObject({ taken: 0, there: 0, refused: 3 })
  expect(await prepaid()).toEqual(before)
})

test('what the providers are is read once, however many rows there are', async () => {
  const rows = Array.from({ length: 9 }, (_, i) => `${i + 1},Panel ${i},${ADDRESS},USD,${i + 1}`)
  const { app, write, run } = await setup({ providers: [PROVIDERS, ...rows], services: [SERVICES], orders: [ORDERS] })
  await run()
  const statements = async (count: number) => {
    await write({ providers: [PROVIDERS, ...rows.slice(0, count)] })
    const counting = countingStatements(app)
    expect((await run({}, counting.app)).reports.providers.there).toBe(count)
    return counting.count()
  }
  expect(await statements(9)).toBe(await statements(1))
})

test('a run that was stopped between two batches goes on where it was: each order is taken once', async () => {
  const lines = Array.from({ length: 1_500 }, (_, i) => orderLine(String(20_000 + i), i))
  const { app, run } = await setup({ orders: [ORDERS, ...lines] })
  const stopped = run({
    onProgress: (table, rows) => {
      if (table === 'orders' && rows === 1_000) throw new Error('stopped')
    },
  })
  await expect(stopped).rejects.toThrow('stopped')
  expect(await app.db.query('select from orders.orders')).toHaveLength(1_000)
  const { reports, refused } = await run()
  expect(refused).toEqual([])
  expect(reports.orders).toMatchObject({ rows: 1_500, taken: 500, there: 1_000 })
  expect((await run()).reports.orders).toMatchObject({ taken: 0, there: 1_500, amount: 0n })
  expect(await app.db.query('select from orders.orders')).toHaveLength(1_500)
  await expectSound(app)
})

test('what open orders had cost is in the figures of the day, and no sign of how fast a balance runs down', async () => {
  const { app, run, prepaid } = await setup()
  await run()
  while ((await sealBlocks(app.db)).is_full);
  while ((await sumFinance(app)).more);
  expect(await app.db.query('select cost from orders.provider_hour')).toEqual([])
  expect(await app.db.query('select sum(cost)::bigint as cost from orders.finance_day')).toEqual([{ cost: 120_000n }])
  expect(await prepaid()).toEqual([{ name: 'Old panel', posted: 100_250_000n }])
  expect(await verifyFinance(app.db)).toEqual([])
})
