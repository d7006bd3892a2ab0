import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

test('staff refresh prices at once, and are told why a list was not applied', async () => {
  const { shop, url } = await openDoors()
  const { app, control, provider_id, services } = shop
  const staff = await staffWith(app, url, ['prices:refresh', 'prices:read'])
  const path = `/api/admin/providers/${provider_id}/refresh-prices`
  expect((await staff.ask('GET', path)).body).toMatchObject({ outcome: 'applied', listed_services: services.length })
  await control.changeService(101, { rate: '50.00' })
  expect(await staff.ask('POST', path)).toMatchObject({
    status: 200,
    body: { applied: true, problem: null, updated: 1, unchanged: services.length - 1, no_longer_sold: 0 },
  })
  expect(await staff.ask('POST', path)).toMatchObject({ body: { updated: 0, unchanged: services.length } })
  expect(await actsIn(app.db, 'services.refreshed')).toMatchObject([{ user_id: staff.user_id }])
  await control.setFaults({ services_empty: 1 })
  expect(await staff.ask('POST', path, {})).toMatchObject({
    status: 200,
    body: { applied: false, problem: 'The list is empty.', updated: 0 },
  })
  expect((await staff.ask('GET', path)).body).toMatchObject({
    outcome: 'distrusted',
    problem: 'Not applied: The list is empty.',
    distrusted_services: 0,
    listed_services: services.length,
  })
  await control.setFaults({ html: 1 })
  expect(await staff.ask('POST', path)).toMatchObject({ body: { applied: false } })
  expect((await staff.ask('GET', path)).body).toMatchObject({ outcome: 'failed', distrusted_services: null })
  await control.setFaults({ services_empty: 1 })
  expect(await staff.ask('POST', path, { accept_shrunken: true })).toMatchObject({
    body: { applied: true, no_longer_sold: services.length },
  })
  expect(await staff.ask('POST', '/api/admin/providers/999/refresh-prices')).toMatchObject({
    status: 404,
    body: { code: 'provider_not_found' },
  })
  expect(await staff.ask('GET', '/api/admin/providers/999/refresh-prices')).toMatchObject({ status: 404 })
  await app.db.query('delete from catalog.refresh')
  expect((await staff.ask('GET', path)).body).toMatchObject({ outcome: 'never', tried_at: null })
  const other = await staffWith(app, url, ['prices:edit'])
  expect(await other.ask('POST', path)).toMatchObject({ status: 403 })
})

test('staff set an exchange rate, see it, and are told by field what is wrong with one', async () => {
  const { shop, url } = await openDoors()
  const editor = await staffWith(shop.app, url, ['prices:edit', 'prices:read'])
  const reader = await staffWith(shop.app, url, ['prices:read'])
  const path = '/api/admin/exchange-rates/EUR'
  const rate = { usd: '1.0874', source: 'ECB' }
  expect(await editor.ask('PUT', path, rate)).toMatchObject({ status: 200, body: { changed: 0 } })
  expect((await reader.ask('GET', '/api/admin/exchange-rates')).body.data).toMatchObject([
    { currency: 'EUR', usd: '1.0874', source: 'ECB', set_by: String(editor.user_id), fresh: true },
  ])
  const bad: [body: object, status: number, field: string][] = [
    [{ ...rate, usd: '0' }, 400, 'usd'],
    [{ ...rate, usd: '-1' }, 400, 'usd'],
    [{ ...rate, usd: '1.0000000000001' }, 400, 'usd'],
    [{ usd: '1.1' }, 400, 'source'],
    [{ ...rate, usd: '10.874' }, 409, 'usd'],
  ]
  for (const [body, status, field] of bad) {
    const answer = await editor.ask('PUT', path, body)
    expect({ body, status: answer.status, errors: answer.body.errors }).toMatchObject({
      body,
      status,
      errors: [{ field }],
    })
  }
  expect(await editor.ask('PUT', '/api/admin/exchange-rates/USD', rate)).toMatchObject({ status: 404 })
  expect(await reader.ask('PUT', path, rate)).toMatchObject({ status: 403 })
})
