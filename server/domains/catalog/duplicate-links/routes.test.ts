import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

test('staff say whether a service takes two orders for one link; it is an act, and counts at every door at once', async () => {
  const doors = await openDoors()
  const { shop } = doors
  const editor = await staffWith(shop.app, doors.url, ['services:edit'])
  const { id, name } = shop.service('Package')
  const say = (service: string, body: object) =>
    editor.ask('PUT', `/api/admin/services/${service}/duplicate-links`, body)
  expect(await say(String(id), { duplicate_links: 'refuse', reason: 'One at a time' })).toMatchObject({
    status: 200,
    body: { id: String(id), name, duplicate_links: 'refuse' },
  })
  expect((await say(String(id), { duplicate_links: 'refuse' })).status).toBe(200)
  expect(await actsIn(shop.app.db, 'services.edited')).toMatchObject([
    { user_id: editor.user_id, before: { duplicate_links: 'allow' }, after: { duplicate_links: 'refuse' } },
  ])
  for (const odd of [{ duplicate_links: 'perhaps' }, {}, { duplicate_links: 'allow', rate: '1' }]) {
    expect((await say(String(id), odd)).status).toBe(400)
  }
  for (const nobody of ['999999', '0', 'x', '9'.repeat(30)]) {
    expect(await say(nobody, { duplicate_links: 'allow' })).toMatchObject({ status: 404 })
  }

  const { key } = await doors.customer('50')
  const add = (link: string) => {
    const fields = { key, action: 'add', service: String(id), link }
    return fetch(`${doors.url}/api/v2`, { method: 'POST', body: new URLSearchParams(fields) }).then((r) => r.json())
  }
  expect(await add('https://example.com/a')).toHaveProperty('order')
  expect(await add('https://example.com/a')).toEqual({
    error: 'You have active order with this link. Please wait until order being completed.',
  })
  expect(await add('https://example.com/b')).toHaveProperty('order')
  await say(String(id), { duplicate_links: 'allow' })
  expect(await add('https://example.com/a')).toHaveProperty('order')
})
