import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

test('staff read a list, look through it page by page, take in what they choose, and look back on it', async () => {
  const { shop, url } = await openDoors()
  const { app, control, provider_id, services } = shop
  const staff = await staffWith(app, url, ['services:import', 'prices:read'])
  const path = `/api/admin/providers/${provider_id}`
  await control.changeService(101, { rate: '50.00' })
  await control.changeService(201, { disabled: true })
  const read = await staff.ask('POST', `${path}/offer`)
  expect(read).toMatchObject({ status: 201, body: { currency: 'USD', suspicion: null } })
  const { id, counts } = read.body
  expect(counts).toMatchObject({ new: 0, changed: 1, unchanged: services.length - 2, vanished: 1 })

  const list = `${path}/offers/${id}/services`
  const first = await staff.ask('GET', `${list}?limit=2`)
  expect(first.body).toMatchObject({ has_more: true, data: [{ provider_service_id: '101', kind: 'changed' }, {}] })
  expect(first.body.data[0]).toMatchObject({
    cost: '50.00',
    now: { rate: '49.40' },
    proposed: { rate: '65.00', margin: '15.00' },
  })
  expect(first.headers.get('link')).toContain('rel="next"')
  const second = await staff.ask('GET', `${list}?limit=2&cursor=${first.body.next_cursor}`)
  expect(second.body.data[0].provider_service_id).not.toBe(first.body.data[1].provider_service_id)
  const names = async (query: string) =>
    (await staff.ask('GET', `${list}?${query}`)).body.data.map(
      (each: { provider_service_id: string }) => each.provider_service_id,
    )
  expect(await names('kind=vanished')).toEqual(['201'])
  expect(await names('category=Translation&kind=unchanged')).toEqual(['102', '103', '104'])
  expect(await names('search=flyers')).toEqual(['601'])
  expect(await names('search=601')).toEqual(['601'])

  const taken = await staff.ask('POST', `${path}/imports`, {
    offer_id: id,
    services: [
      { provider_service_id: '101' },
      { provider_service_id: '601', rate: '99.5' },
      { provider_service_id: '9' },
    ],
    categories: [{ from: 'Translation', to: 'Languages' }],
    markup: { percent: '50', minimum_margin: '1', step: '0.01' },
    reason: 'Spring catalogue.',
  })
  expect(taken.body.data).toMatchObject([
    { provider_service_id: '101', ok: true, outcome: 'updated', rate: '75.00' },
    { provider_service_id: '601', ok: true, outcome: 'updated', rate: '99.50' },
    { provider_service_id: '9', ok: false, code: 'not_on_offer' },
  ])
  expect(taken.status).toBe(200)
  const service_id = taken.body.data[0].service_id
  const history = await staff.ask('GET', `/api/admin/services/${service_id}/changes?limit=1`)
  expect(history.body).toMatchObject({
    has_more: true,
    data: [
      { cause: 'import', by: String(staff.user_id), before: { rate: '49.40', sold: true }, after: { rate: '75.00' } },
    ],
  })
  const older = await staff.ask('GET', `/api/admin/services/${service_id}/changes?cursor=${history.body.next_cursor}`)
  expect(older.body).toMatchObject({ has_more: false, data: [{ cause: 'import', by: null, before: null }] })
  expect((await staff.ask('GET', `${path}/imports`)).body.data).toMatchObject([
    { chosen: 3, updated: 2, refused: 1, by: String(staff.user_id), markup: { percent: '50.00', step: '0.01' } },
    { chosen: null, created: services.length, by: null },
  ])
})

test('what is asked wrongly names its field, and what cannot be done its reason', async () => {
  const { shop, url } = await openDoors()
  const staff = await staffWith(shop.app, url, ['services:import', 'prices:read'])
  const path = `/api/admin/providers/${shop.provider_id}`
  const { id: offer_id } = (await staff.ask('POST', `${path}/offer`)).body
  const one = { provider_service_id: '101' }
  const bad: [body: object, field: string][] = [
    [{ offer_id, services: [] }, 'services'],
    [{ services: [one] }, 'offer_id'],
    [{ offer_id: 'x', services: [one] }, 'offer_id'],
    [{ offer_id, services: [{ ...one, rate: '-1' }] }, 'services.0.rate'],
    [{ offer_id, services: [{ ...one, category: ' ' }] }, 'services.0.category'],
    [{ offer_id, services: [one], markup: { percent: '99999' } }, 'percent'],
    [{ offer_id, services: [one], all: true }, 'all'],
  ]
  for (const [body, field] of bad) {
    const answer = await staff.ask('POST', `${path}/imports`, body)
    expect({ body, status: answer.status, errors: answer.body.errors }).toMatchObject({
      body,
      status: 400,
      errors: [{ field }],
    })
  }
  expect(await staff.ask('POST', `${path}/imports`, { offer_id: '999', services: [one] })).toMatchObject({
    status: 404,
    body: { code: 'offer_not_found' },
  })
  expect(await staff.ask('POST', '/api/admin/providers/999/offer')).toMatchObject({ status: 404 })
  expect(await staff.ask('GET', `${path}/offers/${offer_id}/services?limit=501`)).toMatchObject({ status: 400 })
  expect(await staff.ask('GET', '/api/admin/services/999/changes')).toMatchObject({ status: 404 })
  expect(await staff.ask('GET', '/api/admin/providers/999/imports')).toMatchObject({ status: 404 })
  await shop.control.setFaults({ html: 1 })
  expect(await staff.ask('POST', `${path}/offer`)).toMatchObject({ status: 502, body: { code: 'offer_unavailable' } })
  const reader = await staffWith(shop.app, url, ['prices:read'])
  expect(await reader.ask('POST', `${path}/offer`)).toMatchObject({ status: 403 })
})
