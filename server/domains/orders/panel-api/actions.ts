import { addOrder } from './add-order.ts'
import { answerBalance } from './answer-balance.ts'
import { answerCancel, answerRefill, answerRefillStatus } from './answer-requests.ts'
import { answerServices } from './answer-services.ts'
import { answerStatus } from './answer-status.ts'
import type { PanelCall, PanelDeps } from './call.ts'

/** What a caller may ask for: the permission it needs, and what answers it, as JSON. */
export interface PanelAction {
  readonly permission: string
  readonly answer: (deps: PanelDeps, call: PanelCall) => Promise<string>
}

const status: PanelAction = { permission: 'orders:read:own', answer: answerStatus }

/** Every action by its name, with the other names that clients use for `status` of many. */
export const ACTIONS: ReadonlyMap<string, PanelAction> = new Map([
  ['services', { permission: 'services:read', answer: answerServices }],
  ['add', { permission: 'orders:place:own', answer: addOrder }],
  ['status', status],
  ['orders', status],
  ['multi_status', status],
  ['multi-status', status],
  ['statuses', status],
  ['balance', { permission: 'balance:read:own', answer: answerBalance }],
  ['refill', { permission: 'orders:refill:own', answer: answerRefill }],
  ['refill_status', { permission: 'orders:read:own', answer: answerRefillStatus }],
  ['cancel', { permission: 'orders:cancel:own', answer: answerCancel }],
])
