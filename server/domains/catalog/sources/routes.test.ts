import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { addOtherProvider } from '#test/support/sources.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const doors = await openDoors()
  const { shop } = doors
  const editor = await staffWith(shop.app, doors.url, ['sources:read', 'sources:edit', 'sources:quarantine'])
  const reader = await staffWith(shop.app, doors.url, ['sources:read'])
  const service = shop.service('Default')
  const other = await addOtherProvider(shop)
  const source = await other.serviceLike(service)
  const path = `/api/admin/services/${service.id}`
  return { doors, app: shop.app, shop, editor, reader, service, source, other, path }
}

test('staff add a source, change it, choose how, put it in quarantine and back, and take it away', async () => {
  const { app, editor, reader, service, source, path } = await setup()
  const alone = await reader.ask('GET', `${path}/sources`)
  expect(alone).toMatchObject({ status: 200, body: { strategy: 'fixed', rate: expect.any(String) } })
  expect(alone.body.data).toMatchObject([{ source_id: String(service.id), priority: 0, enabled: true, health: null }])
  const at = `${path}/sources/${source.id}`
  const added = await editor.ask('PUT', at, { reason: 'A second way.' })
  expect(added.body.data).toMatchObject([
    { source_id: String(service.id), priority: 0 },
    { source_id: String(source.id), priority: 1, weight: 1, enabled: true, gap: null, at_a_loss: false },
  ])
  const first = await editor.ask('PUT', at, { priority: 0, weight: 7, reason: 'First.' })
  expect(first.body.data).toMatchObject([{ priority: 0 }, { priority: 0, weight: 7 }])
  expect(await editor.ask('PUT', at, { weight: 7, reason: 'Again.' })).toMatchObject({ status: 200 })
  expect(await actsIn(app.db, 'sources.set')).toHaveLength(2)
  const cheapest = await editor.ask('PUT', `${path}/strategy`, { strategy: 'cheapest', reason: 'Cheaper.' })
  expect(cheapest.body.strategy).toBe('cheapest')

  const quarantine = `/api/admin/services/${source.id}/quarantine`
  const wish = { hours: 3, reason: 'It is slow.' }
  expect(await editor.ask('PUT', quarantine, wish)).toMatchObject({ status: 200, body: { changed: true } })
  expect((await editor.ask('PUT', quarantine, { ...wish, hours: 2 })).body).toEqual({ changed: false })
  const seen = await reader.ask('GET', `${path}/sources`)
  expect(seen.body.data[1].quarantine).toMatchObject({ reason: 'It is slow.' })
  expect((await editor.ask('DELETE', `${quarantine}?reason=Mended`)).body).toEqual({ changed: true })
  expect((await editor.ask('DELETE', `${quarantine}?reason=Mended`)).body).toEqual({ changed: false })

  expect(await editor.ask('DELETE', `${at}?reason=Over`)).toMatchObject({ status: 200, body: { data: [{}] } })
  expect(await app.db.query('select from catalog.source')).toEqual([])
  expect(await actsIn(app.db, 'sources.removed')).toMatchObject([{ user_id: editor.user_id, reason: 'Over' }])
})

test('what makes no sense is refused with its reason, and changes nothing', async () => {
  const { app, shop, editor, service, source, path } = await setup()
  const good = { reason: 'Why not.' }
  const bad: [path: string, body: object, field: string][] = [
    [`sources/${source.id}`, { ...good, priority: -1 }, 'priority'],
    [`sources/${source.id}`, { ...good, priority: 1_001 }, 'priority'],
    [`sources/${source.id}`, { ...good, weight: 0 }, 'weight'],
    [`sources/${source.id}`, { ...good, weight: 1.5 }, 'weight'],
    [`sources/${source.id}`, { ...good, enabled: 'yes' }, 'enabled'],
    [`sources/${source.id}`, {}, 'reason'],
    ['sources/x', good, 'source_id'],
    ['strategy', { ...good, strategy: 'random' }, 'strategy'],
    ['quarantine', { ...good, hours: 0 }, 'hours'],
    ['quarantine', { ...good, hours: 169 }, 'hours'],
  ]
  for (const [at, body, field] of bad) {
    const { status, body: problem } = await editor.ask('PUT', `${path}/${at}`, body)
    expect({ at, body, status, errors: problem.errors }).toMatchObject({ at, status: 400, errors: [{ field }] })
  }
  const codeOf = async (method: string, at: string, body?: object) => {
    const answer = await editor.ask(method, at, body)
    return `${answer.status} ${answer.body.code}`
  }
  const other_type = shop.services.find((each) => each.type !== service.type)
  expect(await codeOf('PUT', `${path}/sources/${other_type?.id}`, good)).toBe('409 source_type_differs')
  expect(await codeOf('PUT', `${path}/sources/999999`, good)).toBe('404 service_not_found')
  expect(await codeOf('GET', '/api/admin/services/999999/sources')).toBe('404 service_not_found')
  expect(await codeOf('PUT', '/api/admin/services/999999/strategy', { ...good, strategy: 'fixed' })).toBe(
    '404 service_not_found',
  )
  expect(await codeOf('DELETE', '/api/admin/services/999999/quarantine?reason=No')).toBe('404 service_not_found')
  expect(await codeOf('DELETE', `${path}/sources/${source.id}?reason=No`)).toBe('404 source_not_found')
  expect(await app.db.query('select from catalog.source')).toEqual([])
  await editor.ask('PUT', `${path}/sources/${source.id}`, good)
  expect(await codeOf('DELETE', `${path}/sources/${service.id}?reason=No`)).toBe('409 own_source_stays')
  await editor.ask('PUT', `${path}/sources/${service.id}`, { ...good, enabled: false })
  expect(await codeOf('PUT', `${path}/sources/${source.id}`, { ...good, enabled: false })).toBe('409 last_source_stays')
  expect(await codeOf('DELETE', `${path}/sources/${source.id}?reason=No`)).toBe('409 last_source_stays')
  // Twenty and no more, of two who add the last place at once one.
  const others = shop.services.filter((each) => each.type === 'Default' && each.id !== service.id)
  await app.db.query(
    `with made as (
      insert into catalog.service (name, category, type, rate, min, max, provider_id, provider_service_id, cost, cost_asset, cost_usd)
      select 'Copy ' || n, 'Texts', 'Default', 1000, 1, 10, $2, 'copy' || n, 1, 'USD', 1 from generate_series(1, 17) n returning id)
    insert into catalog.source select $1, id, 5, 1, true from made`,
    [service.id, shop.provider_id],
  )
  const both = await Promise.all(others.slice(0, 2).map((each) => codeOf('PUT', `${path}/sources/${each.id}`, good)))
  expect(both.sort()).toEqual(['200 undefined', '409 too_many_sources'])
})

test('who may only look changes nothing, and who may do neither sees nothing', async () => {
  const { doors, app, reader, source, path } = await setup()
  const body = { reason: 'Mine.' }
  expect(await reader.ask('PUT', `${path}/sources/${source.id}`, body)).toMatchObject({ status: 403 })
  expect(await reader.ask('PUT', `${path}/strategy`, { ...body, strategy: 'fixed' })).toMatchObject({ status: 403 })
  expect(await reader.ask('PUT', `${path}/quarantine`, { ...body, hours: 1 })).toMatchObject({ status: 403 })
  const none = await staffWith(app, doors.url, ['orders:read'])
  expect(await none.ask('GET', `${path}/sources`)).toMatchObject({ status: 403 })
})
