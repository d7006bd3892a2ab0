import { expect, test } from 'vitest'
import { type KnownService, readOrder } from './take-over-rows.ts'

const SUBSCRIPTIONS: KnownService = {
  ...{ type: 'Subscriptions', provider_id: 3n, provider_service_id: '1602', cost: 85_000_000n, cost_asset: 'USD' },
  cost_scale: 6,
}

const read = (service: Partial<KnownService>, status: string) =>
  readOrder(
    {
      ...{ id: '7', user_id: '1', service_id: '2', quantity: '20', charge: '2.21', link: 'ada', status },
      ...{ created_at: '2026-01-01T00:00:00Z', provider_order_id: '9001' },
    },
    {
      users: new Map([[1n, 11n]]),
      services: new Map([[2n, { ...SUBSCRIPTIONS, ...service }]]),
      now: new Date('2026-02-01T00:00:00Z'),
    },
  )

test('a subscription is taken over when it has ended, and not under way: nobody tells which posts it has had', () => {
  expect(read({}, 'Completed')).toMatchObject({ type: 'Subscriptions', status: 'Completed' })
  expect(read({}, 'Canceled')).toMatchObject({ status: 'Canceled' })
  expect(() => read({}, 'In progress')).toThrow('of a subscription under way')
  expect(() => read({}, 'Active')).toThrow('of a subscription under way')
  expect(read({ type: 'Default' }, 'In progress')).toMatchObject({ status: 'In progress' })
})
