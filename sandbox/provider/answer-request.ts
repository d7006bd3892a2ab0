import { addOrder } from './add-order.ts'
import { answerCancel } from './answer-cancel.ts'
import { answerRefill, answerRefillStatus, answerRefillStatuses, answerRefills } from './answer-refill.ts'
import { answerServices } from './answer-services.ts'
import { answerStatus, answerStatuses } from './answer-status.ts'
import type { Action, Strikes } from './faults.ts'
import { idNumber } from './ids.ts'
import { listOrders } from './list-orders.ts'
import { showAmount } from './money.ts'
import { orderAgain } from './order-again.ts'
import { markUnanswered } from './orders.ts'
import type { Panel, PanelOrder } from './panel.ts'
import { type Json, refuse, TEXT } from './refusals.ts'

/** An answer, and the order it accepted if it did. */
interface Answered {
  value: Json
  accepted?: PanelOrder | undefined
}

/** Carries out one request whose key was right. */
export function answerRequest(
  panel: Panel,
  action: Action | undefined,
  fields: Readonly<Record<string, string>>,
  strikes: Strikes,
  now_ms: number,
): Answered {
  switch (action) {
    case 'services':
      return { value: answerServices(panel, strikes) }
    case 'add':
      return answerAdd(panel, fields, strikes, now_ms)
    case 'status': {
      const { orders, order = '' } = fields
      if (orders !== undefined) return { value: answerStatuses(panel, orders, strikes, now_ms) }
      return { value: answerStatus(panel, order, strikes, now_ms) }
    }
    case 'balance':
      return { value: answerBalance(panel, strikes) }
    case 'refill': {
      const { orders, order = '' } = fields
      if (orders !== undefined) return { value: answerRefills(panel, orders, strikes, now_ms) }
      return { value: answerRefill(panel, order, strikes, now_ms) }
    }
    case 'refill_status': {
      const { refills, refill = '' } = fields
      if (refills !== undefined) return { value: answerRefillStatuses(panel, refills, strikes, now_ms) }
      return { value: answerRefillStatus(panel, refill, strikes, now_ms) }
    }
    case 'cancel':
      return { value: answerCancel(panel, fields.orders ?? fields.order ?? '', strikes, now_ms) }
    case 'orders':
      return { value: panel.extensions.orders_list ? listOrders(panel, fields, now_ms) : { ...refuse(TEXT.action) } }
    case undefined:
      return { value: { ...refuse(TEXT.action) } }
  }
}

function answerAdd(panel: Panel, fields: Readonly<Record<string, string>>, strikes: Strikes, now_ms: number): Answered {
  const order = orderAgain(panel, fields, now_ms) ?? addOrder(panel, fields, strikes, now_ms)
  if ('error' in order) return { value: { ...order } }
  if (strikes('order_missing_after')) {
    markUnanswered(panel, order, 'order_missing_after')
    return { value: { status: 'success' }, accepted: order }
  }
  const id = strikes('order_string') ? order.id : idNumber(order.id)
  const value: Json = {
    ...(strikes('order_status_success') ? { status: 'success' } : {}),
    [strikes('order_id_field') ? 'order_id' : 'order']: id,
    ...(strikes('order_extra_fields')
      ? { charge: showAmount(order.charge), currency: panel.currency, start_count: '0' }
      : {}),
  }
  return { value, accepted: order }
}

function answerBalance(panel: Panel, strikes: Strikes): Json {
  const balance = strikes('balance_empty') ? '0.00' : showAmount(panel.balance)
  return { balance: strikes('numbers_plain') ? Number(balance) : balance, currency: panel.currency }
}
