import type { RateClass } from '#server/platform/limits/rate-class.ts'
import { addOrder } from './add-order.ts'
import { answerBalance } from './answer-balance.ts'
import { answerCancel } from './answer-cancel.ts'
import { answerRefill, answerRefillStatus } from './answer-refill.ts'
import { answerServices } from './answer-services.ts'
import { answerStatus } from './answer-status.ts'
import type { PanelCall, PanelDeps } from './call.ts'
import { massOrder } from './mass-order.ts'

/** What a caller may ask for: the permission it needs, and what answers it, as JSON. Each counts as its class against the limits. */
export interface PanelAction {
  readonly permission: string
  readonly rate_class: RateClass
  readonly answer: (deps: PanelDeps, call: PanelCall) => Promise<string>
}

const status: PanelAction = { permission: 'orders:read:own', rate_class: 'reading', answer: answerStatus }

/** Every action by its name, with the other names that clients use for `status` of many. */
export const ACTIONS: ReadonlyMap<string, PanelAction> = new Map([
  ['services', { permission: 'services:read', rate_class: 'reading', answer: answerServices }],
  ['add', { permission: 'orders:place:own', rate_class: 'ordering', answer: addOrder }],
  ['mass', { permission: 'orders:place:own', rate_class: 'ordering', answer: massOrder }],
  ['status', status],
  ['orders', status],
  ['multi_status', status],
  ['multi-status', status],
  ['statuses', status],
  ['balance', { permission: 'balance:read:own', rate_class: 'reading', answer: answerBalance }],
  ['refill', { permission: 'orders:refill:own', rate_class: 'ordering', answer: answerRefill }],
  ['refill_status', { permission: 'orders:read:own', rate_class: 'reading', answer: answerRefillStatus }],
  ['cancel', { permission: 'orders:cancel:own', rate_class: 'ordering', answer: answerCancel }],
])
