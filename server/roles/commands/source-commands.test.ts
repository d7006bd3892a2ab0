import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { terminal } from '#test/support/command.ts'
import { testDatabase } from '#test/support/database.ts'
import { openShop } from '#test/support/shop.ts'
import { addOtherProvider } from '#test/support/sources.ts'

test('where a service is bought is listed and set at the terminal, and a source put in quarantine and back', async () => {
  const { url } = await testDatabase()
  const shop = await openShop({ url })
  const run = terminal(url, { SALDO_HOME: shop.app.config.home })
  const service = shop.service('Default')
  const source = await (await addOtherProvider(shop)).serviceLike(service)
  const [id, other] = [String(service.id), String(source.id)]
  expect(await run('set-source', id, other, '--weight', '3', '--reason', 'A second way.')).toMatchObject({
    code: 0,
    err: '',
  })
  const listed = await run('sources', id, '--strategy', 'weighted')
  expect(listed.out).toMatch(
    /^weighted, sold for \d+\.\d+ USD\n\d+ {2}priority 0, weight 1 {2}Panel\/.+\n\d+ {2}priority 1, weight 3 {2}/,
  )
  expect(await run('quarantine', other, '--hours', '3', '--reason', 'Slow.')).toMatchObject({ code: 0 })
  expect((await run('quarantine', other, '--hours', '1', '--reason', 'Slow.')).out).toContain('already')
  expect((await run('sources', id)).out).toContain('in quarantine until')
  expect((await run('quarantine', other, '--release', 'yes', '--reason', 'Mended.')).out).toContain('gets orders again')
  expect((await run('set-source', id, id, '--remove', 'yes')).code).toBe(1)
  expect((await run('set-source', id, other, '--remove', 'yes')).code).toBe(0)
  expect(await actsIn(shop.app.db, 'sources.removed')).toMatchObject([{ actor_kind: 'command' }])
  const wrong: [string[], string][] = [
    [['sources', 'x'], 'The service must be a number'],
    [['sources', id, '--strategy', 'random'], '--strategy is one of fixed, cheapest, weighted'],
    [['set-source', id, other, '--weight', '0'], '--weight is a whole number from 1 to 1000'],
    [['set-source', id, other, '--enabled', 'true'], '--enabled is yes or no'],
    [['quarantine', id], '--reason is missing'],
    [['quarantine', id, '--hours', '169', '--reason', 'x'], '--hours is a whole number from 1 to 168'],
  ]
  for (const [line, message] of wrong) {
    const [name = '', ...args] = line
    const { code, err } = await run(name, ...args)
    expect({ line, code, err }).toMatchObject({ code: 2, err: expect.stringContaining(message) })
  }
})
