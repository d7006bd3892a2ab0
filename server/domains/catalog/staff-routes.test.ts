import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const doors = await openDoors()
  const editor = await staffWith(doors.shop.app, doors.url, ['services:edit', 'prices:read'])
  const list = async (query: string) => {
    const { status, body } = await editor.ask('GET', `/api/admin/services${query}`)
    const { data = [], next_cursor } = body as { data?: { id: string; name: string }[]; next_cursor: string | null }
    return { status, ids: data.map((each) => each.id), names: data.map((each) => each.name), next_cursor }
  }
  const edit = (id: bigint | string, body: object) => editor.ask('PATCH', `/api/admin/services/${id}`, body)
  return { ...doors, editor, list, edit }
}

test('staff find services by what they are, why they are not sold, and page by page', async () => {
  const { shop, list, edit, editor } = await setup()
  const all = shop.services.map((each) => String(each.id)).sort((a, b) => Number(a) - Number(b))
  expect((await list('?limit=500')).ids).toEqual(all)
  const first = await list('?limit=2')
  const second = await list(`?limit=2&cursor=${first.next_cursor}`)
  expect([...first.ids, ...second.ids]).toEqual(all.slice(0, 4))

  const { id, name, category } = shop.service('Package')
  await edit(id, { sold: false })
  expect((await list('?sold=false')).ids).toEqual([String(id)])
  expect((await list('?not_sold_because=staff')).ids).toEqual([String(id)])
  expect((await list('?not_sold_because=below_cost')).ids).toEqual([])
  expect((await list(`?name=${encodeURIComponent(name.slice(2, 12).toUpperCase())}`)).names).toContain(name)
  expect((await list('?name=%25')).ids).toEqual([])
  expect((await list(`?category=${encodeURIComponent(category)}`)).ids).toContain(String(id))
  expect((await list(`?provider=${shop.provider_id}`)).ids).toHaveLength(all.length)
  expect((await list('?provider=999')).ids).toEqual([])
  for (const odd of ['?sold=yes', '?provider=x', '?limit=0', '?limit=501', '?not_sold_because=mood', '?cursor=x']) {
    expect((await list(odd)).status, odd).toBe(400)
  }
  expect(await editor.ask('GET', `/api/admin/services/${id}`)).toMatchObject({
    body: { sold: false, not_sold_because: 'staff', provider_id: '1', cost_currency: 'USD', staff: { off: true } },
  })
})

test('what staff set is an act, is sold by at once, and is refused with the reason where it makes no sense', async () => {
  const { shop, edit } = await setup()
  const { id, cost_usd } = shop.service('Default')
  const rate = Number(cost_usd) / 1e6
  expect(
    await edit(id, { rate: (rate + 1).toFixed(2), min: '20', category: 'Ours', reason: 'Campaign' }),
  ).toMatchObject({
    status: 200,
    body: { rate: (rate + 1).toFixed(2), min: '20', category: 'Ours', staff: { min: '20', max: null } },
  })
  expect(await edit(id, { rate: null, min: null })).toMatchObject({ body: { staff: { rate: null, min: null } } })
  expect(await actsIn(shop.app.db, 'services.edited')).toMatchObject([{ reason: 'Campaign' }, {}])
  expect(await edit(id, { rate: '0' })).toMatchObject({ status: 422, body: { code: 'rate_below_cost' } })
  expect(await edit(id, { min: '9999999999' })).toMatchObject({ status: 422, body: { code: 'limits_out_of_range' } })
  for (const odd of [
    {},
    { reason: 'x' },
    { rate: '1e3' },
    { rate: '-1' },
    { rate: '1.1234567' },
    { min: '0' },
    { sold: 1 },
  ]) {
    expect((await edit(id, odd)).status, JSON.stringify(odd)).toBe(400)
  }
  for (const nobody of ['999999', '0', 'x', '9'.repeat(30)]) {
    expect((await edit(nobody, { sold: true })).status, nobody).toBe(404)
  }
})

test('staff say whether a service takes two orders for one link, and it counts at every door at once', async () => {
  const { shop, url, customer, edit } = await setup()
  const { id } = shop.service('Package')
  expect(await edit(id, { duplicate_links: 'refuse' })).toMatchObject({ body: { duplicate_links: 'refuse' } })
  expect((await edit(id, { duplicate_links: 'perhaps' })).status).toBe(400)

  const { key } = await customer('50')
  const add = (link: string) => {
    const fields = { key, action: 'add', service: String(id), link }
    return fetch(`${url}/api/v2`, { method: 'POST', body: new URLSearchParams(fields) }).then((r) => r.json())
  }
  expect(await add('https://example.com/a')).toHaveProperty('order')
  expect(await add('https://example.com/a')).toEqual({
    error: 'You have active order with this link. Please wait until order being completed.',
  })
  expect(await add('https://example.com/b')).toHaveProperty('order')
  await edit(id, { duplicate_links: 'allow' })
  expect(await add('https://example.com/a')).toHaveProperty('order')
})
