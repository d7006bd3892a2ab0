import { expect, test } from 'vitest'
import { parseAmount } from '#server/kit/money.ts'
import { openDoors } from '#test/support/doors.ts'
import { dispatched, told } from '#test/support/order-book.ts'
import { putSetting } from '#test/support/settings.ts'
import { staffWith } from '#test/support/staff.ts'
import { recordStatuses } from '../following/record-statuses.ts'
import { refundSecondPersonAbove } from './settings.ts'

test('staff refund, a second person approves, and every door shows the customer what they pay now', async () => {
  const doors = await openDoors()
  const { shop, url } = doors
  const { app } = shop
  const { id: customer, key } = await doors.customer('1000')
  const order = await dispatched(shop, customer)
  await recordStatuses(app, [{ order_id: order.id, row: told('completed', { charge: 1n }) }])
  const rights = ['orders:read', 'orders:refund', 'orders:approve-refund']
  const [ada, boris] = [await staffWith(app, url, rights), await staffWith(app, url, rights)]
  const path = `/api/admin/orders/${order.id}/refunds`
  const own = async (target: string) => (await fetch(url + target, { headers: { 'x-api-key': key } })).json()
  const { charge } = (await own(`/api/v1/order/${order.id}`)) as { charge: string }

  for (const body of [
    {},
    { amount: '0.10' },
    { amount: '0.10', reason: ' ' },
    { amount: 1, reason: 'x' },
    { amount: '0.10', reason: 'x', to: '1' },
  ]) {
    expect(await ada.ask('POST', path, body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  }
  for (const amount of ['0', '-1.00', '1e3', 'x', '0.0000001']) {
    expect(await ada.ask('POST', path, { amount, reason: 'x' })).toMatchObject({
      status: 422,
      body: { code: 'amount_refused' },
    })
  }
  expect(await ada.ask('POST', path, { amount: '500.00', reason: 'x' })).toMatchObject({
    status: 409,
    body: { code: 'refund_too_large', left: charge },
  })
  expect(await ada.ask('POST', '/api/admin/orders/999999/refunds', { amount: '0.10', reason: 'x' })).toMatchObject({
    status: 404,
  })
  expect(await ada.ask('POST', path, { amount: '0.10', reason: 'Late.' })).toMatchObject({
    status: 201,
    body: { id: '1', state: 'posted', amount: '0.10', asked_by: String(ada.user_id), decided_by: null },
  })
  await putSetting(app.db, refundSecondPersonAbove, '0.00')
  await expect
    .poll(async () => (await ada.ask('POST', path, { amount: '0.05', reason: 'Late.' })).body.state, {
      timeout: 10_000,
      interval: 1_500,
    })
    .toBe('asked')
  const [{ id }] = (await ada.ask('GET', '/api/admin/refunds?state=asked')).body.data
  expect(await ada.ask('POST', `/api/admin/refunds/${id}/approve`, {})).toMatchObject({
    status: 409,
    body: { code: 'same_person' },
  })
  expect(await boris.ask('POST', `/api/admin/refunds/${id}/approve`, {})).toMatchObject({
    status: 200,
    body: { state: 'posted' },
  })
  expect(await boris.ask('POST', `/api/admin/refunds/${id}/refuse`, {})).toMatchObject({
    status: 409,
    body: { code: 'refund_settled' },
  })
  expect(await boris.ask('POST', '/api/admin/refunds/999/approve', {})).toMatchObject({ status: 404 })

  const detail = (await ada.ask('GET', `/api/admin/orders/${order.id}`)).body
  const micro = (text: string) => parseAmount(text, 6) ?? -1n
  const net = micro(charge) - micro(detail.refunded)
  expect(micro(detail.refunded)).toBeGreaterThanOrEqual(150_000n)
  expect(micro(detail.net_charge)).toBe(net)
  expect(detail.refunds.at(0)).toMatchObject({ id: '1', reason: 'Late.' })
  expect(micro(((await own(`/api/v1/order/${order.id}`)) as { charge: string }).charge)).toBe(net)
  const body = new URLSearchParams({ key, action: 'status', order: String(order.id) })
  const status = (await (await fetch(`${url}/api/v2`, { method: 'POST', body })).json()) as {
    status: string
    charge: string
  }
  expect([status.status, micro(status.charge)]).toEqual(['Completed', net])
})
