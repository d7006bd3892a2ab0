import { expect, test } from 'vitest'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'
import { buried } from '#test/support/dead-letters.ts'

async function setup() {
  const { db, url } = await testDatabase()
  const queued = async () => (await db.query('select from graphile_worker.jobs')).length
  return { db, saldo: terminal(url), queued }
}

test('the queues are told with how many are where', async () => {
  const { db, saldo } = await setup()
  await db.query(`select graphile_worker.add_job('test.work', run_at := now() - interval '40 seconds')`)
  await buried(db, {}, {})
  const { code, out } = await saldo('queues')
  expect(code).toBe(0)
  expect(out).toMatch(/^jobs test\.work +ready 1 \(4\d s\) +later 0 +running 0 +stuck 2$/m)
  expect(out).toMatch(/^orders dispatch +ready 0 +later 0 +running 0 +stuck 0$/m)
})

test('letters are listed, looked into without their secrets, replayed by number and dropped by what they have in common', async () => {
  const { db, saldo, queued } = await setup()
  const secret = `sk_${'a'.repeat(43)}`
  const [one, two, three] = await buried(
    db,
    { payload: `{"token":"${secret}"}` },
    { name: 'other.work' },
    { name: 'other.work' },
  )
  const list = await saldo('dead-letters', 'list', '--name', 'test.work')
  expect(list.out).toMatch(new RegExp(`^${one}  \\S+  job  test.work  5 attempts  Error: no\\n$`))
  const show = await saldo('dead-letters', 'show', String(one))
  expect(JSON.parse(show.out)).toMatchObject({ id: String(one), payload: { token: '***' } })

  const replayed = await saldo('dead-letters', 'replay', String(one))
  expect([replayed.code, replayed.out, await queued()]).toEqual([0, `Replayed: ${one}\n`, 1])
  const again = await saldo('dead-letters', 'replay', String(one), '999')
  expect([again.code, again.out, await queued()]).toEqual([1, 'Replayed: none\n', 1])

  const first = await saldo('dead-letters', 'drop', '--name', 'other.work', '--limit', '1', '--reason', 'obsolete')
  expect([first.code, first.out]).toEqual([0, `Dropped: ${two}\nMore of them wait: give the command again.\n`])
  const rest = await saldo('dead-letters', 'drop', '--kind', 'job', '--reason', 'obsolete')
  expect(rest.out).toBe(`Dropped: ${three}\n`)
  const dropped = await saldo('dead-letters', 'list', '--state', 'dropped')
  expect(dropped.out.match(/dropped by command: obsolete/g)).toHaveLength(2)
  expect((await saldo('dead-letters')).out).toBe('There are no such dead letters.\n')
  const acts = await db.query<{ action: string; user_agent: string }>(
    'select action, user_agent from audit.act order by id',
  )
  expect(acts.map(({ action }) => action)).toEqual([
    'dead_letters.replayed',
    'dead_letters.dropped',
    'dead_letters.dropped',
  ])
  expect(acts[0]?.user_agent).toMatch(/^saldo dead-letters replay, as ./)
})

test('what makes no sense is told with the usage, and nothing is done', async () => {
  const { db, saldo, queued } = await setup()
  const [id] = await buried(db, {})
  const senseless: [string[], string][] = [
    [['drop', String(id)], '--reason is missing'],
    [['drop', '--reason', 'x'], 'name either numbers or conditions'],
    [['replay', String(id), '--name', 'test.work'], 'name either numbers or conditions'],
    [['replay', 'one'], 'Each dead letter must be a number'],
    [['replay', '--kind', 'letter'], '--kind is one of job, event'],
    [['list', '--since', 'yesterday'], '--since is a moment'],
    [['replay', '--name', 'test.work', '--limit', '501'], '--limit is a number from 1 to 500'],
    [['show', '999'], 'There is no dead letter 999'],
    [['burn'], 'not "burn"'],
  ]
  for (const [args, said] of senseless) {
    const { code, err } = await saldo('dead-letters', ...args)
    expect([args, code, err]).toEqual([args, 2, expect.stringContaining(said)])
  }
  expect(await queued()).toBe(0)
})
