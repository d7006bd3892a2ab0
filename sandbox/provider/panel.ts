import type { CatalogueItem } from './catalogue.ts'
import type { FaultName, FaultSetting } from './faults.ts'
import type { ServiceType } from './service-types.ts'
import type { StateFile } from './state-file.ts'

/** A service as it stands now. `rate` in micro-units. */
export interface PanelService extends Omit<CatalogueItem, 'rate'> {
  rate: bigint
  min: number
  max: number
  disabled: boolean
}

export type FinalStatus = 'Completed' | 'Partial' | 'Canceled' | 'Expired'
/** Active, Paused and Expired are of subscriptions alone. */
export type OrderStatus = 'Pending' | 'Processing' | 'In progress' | 'Active' | 'Paused' | FinalStatus

/** How an order will end when nobody interferes; decided when it is accepted. */
export type Fate = 'complete' | 'partial' | 'cancel' | 'never'

/** What an order does that is a subscription: it costs nothing itself, and each post becomes an order of its own. */
export interface PanelSubscription {
  /** Pieces for each post. */
  readonly min: number
  readonly max: number
  /** From a post to its order. */
  readonly delay_ms: number
  /** New posts wanted; null is without limit. */
  readonly posts: number | null
  /** Posts that were there already. */
  readonly old_posts: number
  /** The end of its last day. */
  readonly expires_ms: number | null
  /** Whether it goes on when it has as many posts as were wanted. */
  readonly goes_beyond: boolean
  /** New posts so far. */
  made: number
  /** When the next one comes; null while none comes by itself. */
  next_ms: number | null
  /** The balance did not suffice for the last one. */
  paused: boolean
  /** Ids of the orders that it lists, in the order in which they came. */
  listed: string[]
}

/** An accepted order. Its state before the end is not stored: it follows from the time (see progress.ts). Money in micro-units. */
export interface PanelOrder {
  /** 1, 2, 3 …, in order of acceptance. */
  readonly number: number
  /** As told to the customer; digits, or text under the fault `order_text_id`. */
  readonly id: string
  readonly service: number
  readonly type: ServiceType
  readonly link: string
  readonly quantity: number
  readonly rate: bigint
  readonly charge: bigint
  /** `charge` less refunds. */
  net: bigint
  readonly created_ms: number
  readonly fate: Fate
  /** The fields of the request, without the key. */
  readonly fields: Readonly<Record<string, string>>
  readonly subscription: PanelSubscription | null
  /** The subscription of which it is a post. */
  readonly parent: string | null
  /** Share of the way that was done at `progress_ms`, under the pace before. */
  progress: number
  progress_ms: number
  final: { status: FinalStatus; remains: number; start_count: number; ended_ms: number } | null
  /** How often its status was asked for since the start. */
  polls: number
  /** `sent`, the fault that spoiled the answer, or `client_gone`. */
  answer: string
}

export interface PanelRefill {
  readonly id: string
  readonly order_id: string
  readonly created_ms: number
  /** Whether it ends Rejected. */
  readonly rejected: boolean
}

/** What a panel offers beyond the common protocol; a plain one offers none of it. */
export interface Extensions {
  /** The same `request_id` again answers the order that it made, whatever else is asked. */
  request_id: boolean
  /** The same service, link and quantity again within so many milliseconds answers the same order; 0 for never. */
  natural_window_ms: number
  /** `action=orders` lists orders of a span of time. */
  orders_list: boolean
}

/** How long an order takes, from acceptance to its end: between the two, by its own luck. */
export interface Pace {
  complete_ms_min: number
  complete_ms_max: number
  /** From one post of a subscription to the next; absent or 0: none comes by itself. */
  post_every_ms?: number | undefined
}

/** The whole state of one provider panel. Invariant: opening + added − Σ net = balance. */
export interface Panel {
  readonly key: string
  readonly control_token: string | undefined
  readonly currency: string
  readonly seed: number
  readonly delay_ms: number
  readonly now_ms: () => number
  readonly first_services: readonly PanelService[]
  readonly first_pace: Pace
  readonly first_extensions: Extensions
  pace: Pace
  extensions: Extensions
  services: Map<number, PanelService>
  opening: bigint
  added: bigint
  balance: bigint
  next_order_id: number
  orders: PanelOrder[]
  orders_by_id: Map<string, PanelOrder>
  orders_by_link: Map<string, PanelOrder[]>
  refills: PanelRefill[]
  /** Orders that will end with a refund, and when the first of them is due. */
  refunding: Set<PanelOrder>
  refund_due_ms: number
  /** Subscriptions that have not ended. */
  posting: Set<PanelOrder>
  faults: Map<FaultName, FaultSetting & { fired: number }>
  faults_fired: Map<FaultName, number>
  requests: Map<string, number>
  request_number: number
  state_file: StateFile | undefined
}

/** Forgets orders, faults and changes: the panel is as at its first start. Only next_order_id goes on, so that no id comes twice. */
export function clearPanel(panel: Panel): void {
  panel.pace = { ...panel.first_pace }
  panel.extensions = { ...panel.first_extensions }
  panel.services = new Map(panel.first_services.map((service) => [service.service, { ...service }]))
  panel.added = 0n
  panel.balance = panel.opening
  panel.orders = []
  panel.orders_by_id = new Map()
  panel.orders_by_link = new Map()
  panel.refills = []
  panel.refunding = new Set()
  panel.refund_due_ms = Number.POSITIVE_INFINITY
  panel.posting = new Set()
  panel.faults = new Map()
  panel.faults_fired = new Map()
  panel.requests = new Map()
}
