/** A value of an event's data: as JSON has it, amounts and ids as texts. */
export type EventData = { readonly [name: string]: string | null }

interface EventType {
  /** When it is told. */
  description: string
  example: EventData
}

const order: EventData = {
  id: '23501',
  status: 'Pending',
  charge: '0.90',
  currency: 'USD',
  start_count: null,
  remains: '1000',
  service: '1',
  quantity: '1000',
  request_id: 'order-4711',
  drip_feed: null,
  run: null,
  subscription: null,
  post: null,
  version: '1',
}

const deposit: EventData = {
  id: '5',
  state: 'pending',
  amount: '50.00',
  credited: null,
  currency: 'USD',
  method: 'bank_transfer',
  reference: 'TRX-4711-AB',
  reason: null,
}

const refill: EventData = { id: '7', order: '23501', status: 'Pending', version: '1' }

/** Every type of event that a webhook can be told of. A type once told keeps its meaning and its fields; new fields may come. */
export const EVENT_TYPES = {
  'order.created': { description: 'An order was taken and its charge held.', example: order },
  'order.updated': {
    description: 'The status of an order changed and is not final.',
    example: { ...order, status: 'In progress', start_count: '250', remains: '400', version: '4' },
  },
  'order.completed': {
    description: 'All of an order is delivered. Final.',
    example: { ...order, status: 'Completed', start_count: '250', remains: '0', version: '5' },
  },
  'order.partial': {
    description: 'A part of an order is delivered and the rest will not be; its charge is back on the balance. Final.',
    example: { ...order, status: 'Partial', charge: '0.54', start_count: '250', remains: '400', version: '5' },
  },
  'order.canceled': {
    description: 'Nothing of an order is delivered; its whole charge is back on the balance. Final.',
    example: { ...order, status: 'Canceled', charge: '0.00', version: '5' },
  },
  'order.refunded': {
    description:
      'Something of what you paid for an order that has ended is back on the balance: `charge` is what remains.',
    example: { ...order, status: 'Completed', charge: '0.50', start_count: '250', remains: '0', version: '6' },
  },
  'refill.created': { description: 'A refill of an order was asked for.', example: refill },
  'refill.updated': {
    description: 'A refill goes on and is not final.',
    example: { ...refill, status: 'In progress', version: '4' },
  },
  'refill.completed': {
    description: 'A refill is done. Final.',
    example: { ...refill, status: 'Completed', version: '5' },
  },
  'refill.rejected': {
    description: 'A refill was not done: `Rejected`, or `Error` where it could not be asked for. Final.',
    example: { ...refill, status: 'Rejected', version: '5' },
  },
  'balance.changed': {
    description:
      'Orders moved money of yours, a deposit was credited, or we put your balance right. Many moves of orders at the same time make one event.',
    example: { balance: '100.00', held: '29.812', available: '70.188', currency: 'USD', version: '9' },
  },
  'deposit.created': { description: 'You asked for a deposit by hand to be credited.', example: deposit },
  'deposit.approved': {
    description: 'A deposit by hand is on the balance: `credited` of it, with a `reason` where that is another amount.',
    example: { ...deposit, state: 'approved', credited: '48.00', reason: 'The bank took a fee of 2.00.' },
  },
  'deposit.refused': {
    description: 'Staff refused a deposit by hand, for the `reason` told.',
    example: { ...deposit, state: 'refused', reason: 'No such transfer has arrived.' },
  },
  'deposit.canceled': {
    description: 'You took a deposit by hand back.',
    example: { ...deposit, state: 'canceled' },
  },
  'deposit.expired': {
    description: 'Nobody answered a deposit by hand in time.',
    example: { ...deposit, state: 'expired' },
  },
  'account.security': {
    description:
      'Something happened that concerns the safety of your account, such as a new API key or a changed password. From where is told by mail alone.',
    example: { kind: 'api_key_created', at: '2026-11-20T12:00:00.000Z' },
  },
  'webhook.test': {
    description: 'You asked for it, to see whether the webhook works. Sent whatever types it was made for, and once.',
    example: { webhook: '12', message: 'This webhook works.' },
  },
} as const satisfies Record<string, EventType>

export type EventTypeName = keyof typeof EVENT_TYPES

export const EVENT_TYPE_NAMES = Object.keys(EVENT_TYPES) as [EventTypeName, ...EventTypeName[]]
