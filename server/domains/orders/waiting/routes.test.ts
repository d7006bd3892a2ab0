import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

test('staff see and set for how long orders of a service may wait, and are told by field what cannot be', async () => {
  const { shop, url } = await openDoors()
  const staff = await staffWith(shop.app, url, ['orders:read', 'services:edit'])
  const path = `/api/admin/services/${shop.services[0]?.id}/wait-limit`
  const reason = 'Photos wait long.'
  expect((await staff.ask('GET', path)).body).toEqual({ hours: null, house_hours: 72 })
  for (const hours of [24, 24, null]) {
    expect((await staff.ask('PUT', path, { hours, reason })).body).toEqual({ hours, house_hours: 72 })
    expect((await staff.ask('GET', path)).body).toEqual({ hours, house_hours: 72 })
  }
  const bad: [object, string][] = [
    [{ hours: 0, reason }, 'hours'],
    [{ hours: 721, reason }, 'hours'],
    [{ hours: 1.5, reason }, 'hours'],
    [{ reason }, 'hours'],
    [{ hours: 5 }, 'reason'],
    [{ hours: 5, reason, service: 1 }, 'service'],
  ]
  for (const [body, field] of bad) {
    expect(await staff.ask('PUT', path, body)).toMatchObject({ status: 400, body: { errors: [{ field }] } })
  }
  expect(await staff.ask('PUT', '/api/admin/services/999/wait-limit', { hours: 5, reason })).toMatchObject({
    status: 404,
    body: { code: 'service_not_found' },
  })
  const reader = await staffWith(shop.app, url, ['orders:read'])
  expect(await reader.ask('PUT', path, { hours: 5, reason })).toMatchObject({ status: 403 })
})
