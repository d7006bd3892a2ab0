import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readConfig } from '#server/platform/config/config.ts'
import { runCommand } from '#server/roles/commands.ts'
import { actsIn, type StoredAct } from '#test/support/acts.ts'
import { testDatabase } from '#test/support/database.ts'
import { openShop } from '#test/support/shop.ts'

/** Runs commands on a database as an operator would. */
function terminal(url: string): (line: string) => Promise<number> {
  const config = readConfig({ DATABASE_URL: url, SALDO_SECRET_KEY: randomBytes(32).toString('base64') })
  return (line) => {
    const [name = '', ...args] = line.split(' ')
    return runCommand(name, args, () => config)
  }
}

test('what is changed by command is in the audit, with what stood before and after', async () => {
  const { db, url } = await testDatabase()
  const run = terminal(url)
  const lines: [string, Partial<StoredAct>][] = [
    [
      'create-user ada@example.com --role customer --password correct-horse',
      {
        action: 'users.created',
        subject_kind: 'user',
        subject_id: '1',
        after: { email: 'ada@example.com', name: '', role: 'customer', locale: 'en' },
      },
    ],
    [
      'create-key ada@example.com --name shop --scopes read',
      {
        action: 'api-keys.created',
        subject_kind: 'api_key',
        after: expect.objectContaining({ user_id: '1', name: 'shop', scopes: ['read'] }),
      },
    ],
    [
      'credit ada@example.com 25.50 --reason invoice-7 --key k7',
      {
        action: 'balances.credited',
        subject_kind: 'user',
        subject_id: '1',
        after: { amount: '25500000', asset: 'USD', entry: 'credit:1:k7' },
        reason: 'invoice-7',
      },
    ],
    [
      'add-provider Panel https://panel.example.com/api/v2 --key provider-key-1 --concurrency 3',
      {
        action: 'providers.added',
        subject_kind: 'provider',
        subject_id: '1',
        before: null,
        after: expect.objectContaining({ name: 'Panel', concurrency: 3, url: 'https://panel.example.com/api/v2' }),
      },
    ],
    [
      'change-provider 1 --concurrency 5 --key provider-key-2 --reason faster',
      {
        action: 'providers.changed',
        before: { concurrency: 3 },
        after: { concurrency: 5, key_replaced: true },
        reason: 'faster',
      },
    ],
    [
      'pause-provider 1 --minutes 30 --reason down',
      {
        action: 'providers.paused',
        before: { paused_until: null, pause_reason: null },
        after: { paused_until: expect.any(String), pause_reason: 'down' },
        reason: 'down',
      },
    ],
    [
      'resume-provider 1',
      { action: 'providers.resumed', after: { paused_until: null, pause_reason: null }, reason: null },
    ],
    [
      'record-topup 1 250 --key t1',
      { action: 'providers.topup_recorded', subject_id: '1', after: expect.objectContaining({ amount: '250000000' }) },
    ],
  ]
  for (const [line] of lines) expect([line, await run(line)]).toEqual([line, 0])
  const acts = await actsIn(db)
  expect(acts).toMatchObject(lines.map(([, act]) => act))
  for (const [i, [line]] of lines.entries()) {
    expect(acts[i]).toMatchObject({ actor_kind: 'command', user_id: null })
    expect(acts[i]?.user_agent).toMatch(new RegExp(`^saldo ${line.split(' ')[0]}, as .`))
  }
  expect(JSON.stringify(acts, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toMatch(
    /provider-key|correct-horse|sk_[A-Za-z0-9_-]{10}/,
  )
})

test('a command that changes nothing, because it was done before, leaves no second act', async () => {
  const { db, url } = await testDatabase()
  const run = terminal(url)
  await run('create-user ada@example.com --password correct-horse')
  await run('add-provider Panel https://panel.example.com/api/v2 --key provider-key-1')
  const count = async () => (await actsIn(db)).length
  const twice = [
    ['credit ada@example.com 1 --reason x --key same', 'credit ada@example.com 1 --reason x --key same'],
    ['record-topup 1 1 --key same', 'record-topup 1 1 --key same'],
    ['pause-provider 1 --minutes 30 --reason down', 'pause-provider 1 --minutes 20 --reason down'],
    ['resume-provider 1', 'resume-provider 1'],
  ] as const
  for (const [first, again] of twice) {
    const before = await count()
    expect([first, await run(first), await count()]).toEqual([first, 0, before + 1])
    expect([again, await run(again), await count()]).toEqual([again, 0, before + 1])
  }
})

test('an import tells its figures, and one that changes nothing is no act', async () => {
  const { app } = await openShop()
  const acts = await actsIn(app.db, 'services.')
  expect(acts).toMatchObject([{ actor_kind: 'system', subject_kind: 'provider', before: null }])
  expect(acts[0]?.after).toMatchObject({ markup: { percent_bp: '3000' }, created: expect.any(Number) })
})

test('the audit is searched by command, and a bad condition is named', async () => {
  const { url } = await testDatabase()
  const run = terminal(url)
  await run('create-user ada@example.com --password correct-horse')
  await run('add-provider Panel https://panel.example.com/api/v2 --key provider-key-1')
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => {
    out.mockRestore()
    err.mockRestore()
  })
  expect(await run('audit search --action users.* --actor command')).toBe(0)
  const printed = out.mock.calls.map(([text]) => String(text)).join('')
  expect(printed).toContain('users.created  command  user:1')
  expect(printed).toContain('ada@example.com')
  expect(printed).not.toContain('providers.added')
  expect(await run('audit search --ip 999.1.1.1')).toBe(2)
  expect(err.mock.calls.map(([text]) => String(text)).join('')).toContain('--ip must be an address or a network')
})
