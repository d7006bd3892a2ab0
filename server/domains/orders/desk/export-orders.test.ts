import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { dispatched, placed, REFUSED } from '#test/support/order-book.ts'
import { staffWith } from '#test/support/staff.ts'
import type { Order } from '../order.ts'

/** The cells of a file whose texts have no quotes in them, without the line of titles. */
function rowsOf(text: string): string[][] {
  const lines = text.trimEnd().split('\r\n').slice(1)
  return lines.map((line) => line.split(',').map((cell) => cell.replace(/^"(.*)"$/, '$1')))
}

test('staff export what they filter, with the truth; customers their own, as they see it; neither runs what another wrote', async () => {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  const one = await customer()
  const other = await customer()
  const failed = await dispatched(shop, one.id, REFUSED)
  const [formula] = (await placed(shop, one.id, 1, { link: '@example.com/a', request_key: '=1+1' })) as [Order]
  const [foreign] = (await placed(shop, other.id)) as [Order]
  const staff = await staffWith(app, url, ['orders:read'])
  const get = async (path: string, headers: Record<string, string>) => {
    const response = await fetch(url + path, { headers })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  const all = await get('/api/admin/orders.csv', staff.headers)
  expect(all).toMatchObject({ status: 200, type: 'text/csv; charset=utf-8' })
  expect(all.text).toMatch(/^"id","admin_visible_status","user_visible_status","reason",/)
  expect(rowsOf(all.text).map(([id, truth, seen]) => [id, truth, seen])).toEqual([
    [String(foreign.id), 'queued', 'Pending'],
    [String(formula.id), 'queued', 'Pending'],
    [String(failed.id), 'failed', 'Pending'],
  ])
  expect(all.text).toContain(`"'@example.com/a"`)
  expect(
    rowsOf((await get(`/api/admin/orders.csv?customer=${other.id}&state=queued`, staff.headers)).text),
  ).toHaveLength(1)
  expect(rowsOf((await get('/api/admin/orders.csv?reason=bad_link', staff.headers)).text)).toHaveLength(1)
  expect(await get('/api/admin/orders.csv?state=lost', staff.headers)).toMatchObject({ status: 400 })
  expect(await actsIn(app.db, 'orders.exported')).toMatchObject([{ user_id: staff.user_id }, {}, {}])

  const own = await get('/api/v1/orders.csv', { 'x-api-key': one.key })
  expect(own).toMatchObject({ status: 200, type: 'text/csv; charset=utf-8' })
  expect(rowsOf(own.text).map(([id, status]) => [id, status])).toEqual([
    [String(formula.id), 'Pending'],
    [String(failed.id), 'Pending'],
  ])
  expect(own.text).toContain(`"'=1+1"`)
  expect(rowsOf((await get('/api/v1/orders.csv?status=Completed', { 'x-api-key': one.key })).text)).toEqual([])
  expect((await get('/api/admin/orders.csv', { 'x-api-key': one.key })).status).toBe(403)
  expect((await get('/api/v1/orders.csv', {})).status).toBe(401)
})
