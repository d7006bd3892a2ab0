import type { Panel } from './panel.ts'
import { drawUnit, STREAM } from './seeded.ts'

/** Actions of the panels' API. */
export const ACTIONS = ['services', 'add', 'status', 'balance', 'refill', 'refill_status', 'cancel', 'orders'] as const
export type Action = (typeof ACTIONS)[number]

/** A fault that is set: how likely it is on each request it applies to, and its own parameters. */
export interface FaultSetting {
  /** 0 … 1. */
  probability: number
  /** Fires at most so often, counted from the PUT. */
  limit?: number | undefined
  /** Fires on these actions alone. */
  actions?: Action[] | undefined
  ms?: number | undefined
  status?: number | undefined
  percent?: number | undefined
  bytes?: number | undefined
}

type Parameter = 'ms' | 'status' | 'percent' | 'bytes'
interface FaultEntry {
  does: string
  /** Actions it can fire on. */
  actions: readonly Action[]
  /** The parameter it takes, and the value without one. */
  parameter?: readonly [Parameter, number]
}

const ADD = ['add'] as const
const STATUS = ['status'] as const
const SERVICES = ['services'] as const
const BALANCE = ['balance'] as const

/** Every fault by name. Those with `_after` come after the request was carried out: an order asked for exists then. */
const TABLE = {
  delay: { does: 'carries the request out at once, answers after `ms`', actions: ACTIONS, parameter: ['ms', 1_000] },

  // Instead of carrying the request out.
  http_5xx: { does: 'HTML with `status`', actions: ACTIONS, parameter: ['status', 503] },
  http_5xx_refusal: {
    does: '`status` with {"error":"Not enough funds on balance"}',
    actions: ACTIONS,
    parameter: ['status', 500],
  },
  http_4xx: { does: '`status` with {"error":"Incorrect request"}', actions: ACTIONS, parameter: ['status', 422] },
  cut_before: { does: 'the connection is cut, no answer', actions: ACTIONS },
  hang: { does: 'the connection stays open, no answer ever', actions: ACTIONS },
  html: { does: 'an HTML page with 200', actions: ACTIONS },
  cloudflare: { does: 'a challenge page with 403', actions: ACTIONS },
  empty_body: { does: 'an empty body with 200', actions: ACTIONS },
  bad_json: { does: 'JSON broken off, with 200', actions: ACTIONS },
  redirect: { does: '302 to the same address with a slash', actions: ACTIONS },
  rate_limit: { does: '{"error":"Rate limit exceeded"} with 200', actions: ACTIONS },
  rate_limit_429: { does: '{"error":"Rate limit exceeded"} with 429', actions: ACTIONS },
  wrong_key: { does: '{"error":"Invalid API key"} for the right key', actions: ACTIONS },
  key_quoted: { does: '{"error":"Invalid API key: …"} with the right key in it', actions: ACTIONS },

  // After carrying the request out, instead of its answer.
  http_5xx_after: {
    does: '`status` with {"error":"Internal server error"}',
    actions: ACTIONS,
    parameter: ['status', 500],
  },
  http_502_after: { does: '502 with HTML', actions: ACTIONS },
  cut_after: { does: 'the connection is cut, no answer', actions: ACTIONS },
  cut_middle: { does: 'the connection is cut in the middle of the answer', actions: ACTIONS },
  hang_after: { does: 'the connection stays open, no answer ever', actions: ACTIONS },
  html_after: { does: 'an HTML page with 200', actions: ACTIONS },
  empty_body_after: { does: 'an empty body with 200', actions: ACTIONS },
  bad_json_after: { does: 'a PHP warning before the JSON', actions: ACTIONS },
  huge_body_after: { does: 'spaces of `bytes` before the JSON', actions: ACTIONS, parameter: ['bytes', 12_000_000] },
  order_missing_after: { does: '{"status":"success"} without an order id', actions: ADD },

  // What becomes of an order.
  empty_balance: { does: 'refuses with "Not enough funds on balance"', actions: ADD },
  duplicate_link: { does: 'refuses as a duplicate link, whatever the link', actions: ADD },
  duplicate_check: { does: 'refuses a link that has an order still running here', actions: ADD },
  price_change: {
    does: 'charges this order `percent` more (or less) than the list',
    actions: ADD,
    parameter: ['percent', 25],
  },
  never_ends: { does: 'the order stays In progress', actions: ADD },
  partial: { does: 'the order ends Partial', actions: ADD },
  cancel: { does: 'the order ends Canceled', actions: ADD },
  posts_beyond: { does: 'a subscription goes on beyond its posts', actions: ADD },

  // Oddities of the answer, which is true otherwise. They combine.
  bom: { does: 'a byte order mark before the JSON', actions: ACTIONS },
  wrong_content_type: { does: 'JSON sent as text/html', actions: ACTIONS },
  http_201: { does: 'success with 201', actions: ACTIONS },
  errors_4xx: { does: 'error answers with `status`', actions: ACTIONS, parameter: ['status', 400] },
  error_keys: { does: 'error texts as neworder.error.* and error.* keys', actions: ACTIONS },
  order_string: { does: '{"order":"1"}', actions: ADD },
  order_id_field: { does: '{"order_id":1}', actions: ADD },
  order_status_success: { does: '{"status":"success","order":1}', actions: ADD },
  order_extra_fields: { does: 'charge, currency, start_count beside the order id', actions: ADD },
  order_text_id: { does: 'the order gets an id like ord_01hg…, for good', actions: ADD },
  numbers_plain: { does: 'figures as JSON numbers', actions: ['status', 'balance', 'services'] },
  numbers_null: { does: 'charge, start_count and remains null', actions: STATUS },
  numbers_empty: { does: 'charge, start_count and remains ""', actions: STATUS },
  numbers_unknown: { does: 'start_count and remains "Unknown"', actions: STATUS },
  remains_negative: { does: 'remains below zero on completed orders', actions: STATUS },
  start_counter: { does: 'start_counter instead of start_count', actions: STATUS },
  status_spelling: { does: 'statuses as in_progress, Cancelled, Canelled, …', actions: STATUS },
  status_unknown: { does: 'a status that nobody knows', actions: STATUS },
  row_bare_string: { does: 'one row of many is "Incorrect order ID", bare', actions: STATUS },
  row_error: { does: 'one row of many is {"error":"Incorrect order ID"}', actions: STATUS },
  row_missing: { does: 'one row of many is left out', actions: STATUS },
  row_garbage: { does: 'one row of many is [null]', actions: STATUS },
  batch_error: { does: 'many orders: {"error":…} for all', actions: STATUS },
  batch_error_on_bad_id: { does: 'many orders: {"error":…} for all if one id is unknown', actions: STATUS },
  posts_missing: { does: 'a subscription does not list its orders', actions: STATUS },
  posts_late: { does: 'a subscription does not list its latest order yet', actions: STATUS },
  posts_twice: { does: 'a subscription lists each order twice', actions: STATUS },
  posts_text: { does: "a subscription's orders as text, joined by commas", actions: STATUS },
  posts_object: { does: 'a subscription\'s orders as an object, {"0":1}', actions: STATUS },
  posts_rows: { does: "a subscription's orders as objects with order and quantity", actions: STATUS },
  posts_strings: { does: "a subscription's orders as texts", actions: STATUS },
  posts_garbage: { does: "null among a subscription's orders", actions: STATUS },
  booleans_numbers: { does: 'booleans as 1 and 0', actions: SERVICES },
  booleans_strings: { does: 'booleans as "1" and "0"', actions: SERVICES },
  booleans_yes_no: { does: 'booleans as "yes" and "no"', actions: SERVICES },
  booleans_absent: { does: 'booleans left out', actions: SERVICES },
  services_wrapped: { does: '{"data":[…]}', actions: SERVICES },
  services_empty: { does: '[]', actions: SERVICES },
  services_empty_data: { does: '{"status":"success","data":"Empty Data"}', actions: SERVICES },
  services_string_ids: { does: 'service ids as strings', actions: SERVICES },
  services_lowercase_types: { does: 'types as default, custom_comments', actions: SERVICES },
  refill_number: { does: '{"refill":1}', actions: ['refill'] },
  refill_success: { does: '{"success":"…","refill":12345}', actions: ['refill'] },
  refill_error_object: { does: 'a single refusal as {"refill":{"error":…}}', actions: ['refill'] },
  refill_status_array: { does: 'an array for one refill too', actions: ['refill_status'] },
  cancel_wrapped: { does: '{"canceled":[…]}', actions: ['cancel'] },
  cancel_object: { does: '{"cancel":123,"status":"Success"} for one order', actions: ['cancel'] },
  cancel_row_errors: { does: 'refused rows as {order,error}', actions: ['cancel'] },
  balance_empty: { does: 'a balance of 0.00, whatever is there', actions: BALANCE },

  // What becomes of what is asked after the sale.
  cancel_refused: { does: 'refuses to cancel, whatever the order', actions: ['cancel'] },
  cancel_ignored: { does: 'takes the wish, and the order goes on all the same', actions: ['cancel'] },
  refill_refused: { does: 'refuses to refill, whatever the order', actions: ['refill'] },
  refill_rejected: { does: 'the refill ends Rejected', actions: ['refill'] },
  refill_status_unknown: { does: 'a refill status that nobody knows', actions: ['refill_status'] },
} as const satisfies Record<string, FaultEntry>

export type FaultName = keyof typeof TABLE
export const FAULTS: Readonly<Record<FaultName, FaultEntry>> = TABLE
export const FAULT_NAMES = Object.keys(TABLE) as FaultName[]
const STREAMS = new Map(FAULT_NAMES.map((name, index) => [name, STREAM.faults + index]))

/** Asks whether a fault strikes this request; if so, it is counted, once a request. Ask only where it would have an effect. */
export type Strikes = (name: FaultName) => FaultSetting | undefined

const NEVER: Strikes = () => undefined

/** The draws of one request, fixed by seed, request number and fault. */
export function faultsFor(panel: Panel, request_number: number, action: Action | undefined): Strikes {
  if (panel.faults.size === 0 || action === undefined) return NEVER
  const drawn = new Map<FaultName, FaultSetting | undefined>()
  return (name) => {
    if (!panel.faults.has(name)) return undefined
    if (!drawn.has(name)) drawn.set(name, drawFault(panel, name, request_number, action))
    return drawn.get(name)
  }
}

function drawFault(panel: Panel, name: FaultName, request_number: number, action: Action): FaultSetting | undefined {
  const fault = panel.faults.get(name)
  if (fault === undefined || !(fault.actions ?? FAULTS[name].actions).includes(action)) return undefined
  if (fault.limit !== undefined && fault.fired >= fault.limit) return undefined
  if (drawUnit(panel.seed, STREAMS.get(name) ?? 0, request_number) >= fault.probability) return undefined
  fault.fired += 1
  panel.faults_fired.set(name, (panel.faults_fired.get(name) ?? 0) + 1)
  return fault
}

/** The fault's parameter as set, or its default. */
export function parameterOf(name: FaultName, setting: FaultSetting): number {
  const parameter = FAULTS[name].parameter
  return parameter ? (setting[parameter[0]] ?? parameter[1]) : 0
}
