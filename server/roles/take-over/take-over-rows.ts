import { isServiceId, readOffer } from '#server/domains/catalog/offer.ts'
import type { TakenService } from '#server/domains/catalog/take-over-services.ts'
import { isName, normalEmail } from '#server/domains/identity/user.ts'
import { hasEnded, type TakenOrder } from '#server/domains/orders/take-over/taken-order.ts'
import { type OrderType, PARAM_NAMES, TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import {
  amountOf,
  FieldError,
  idOf,
  isYes,
  optionalAmount,
  optionalMoment,
  optionalText,
  optionalWhole,
  textOf,
} from './table-fields.ts'

type Fields = Readonly<Record<string, string>>

/** As long as comments may be. */
const PARAM_CHARS_MAX = 256 * 1024

/** In micro-USD: what customers pay in. */
export const SALE_SCALE = 6

/** The columns that each table must have. */
export const COLUMNS = {
  users: ['id', 'email', 'balance'],
  providers: ['id', 'name', 'url', 'key'],
  services: ['id', 'name', 'rate', 'min', 'max', 'provider_id', 'provider_service_id', 'cost'],
  orders: [
    'id',
    'user_id',
    'service_id',
    'link',
    'quantity',
    'charge',
    'status',
    'remains',
    'provider_order_id',
    'created_at',
  ],
} as const

export interface UserRow {
  id: bigint
  email: string
  name: string
  created_at: Date | undefined
  balance: bigint
}

/** Reads a row of `users`. FieldError. */
export function readUser(fields: Fields, now: Date): UserRow {
  const email = normalEmail(textOf(fields, 'email', 300))
  if (email === undefined) throw new FieldError('email', 'is no address such as name@example.com')
  const name = optionalText(fields, 'name', 100) ?? ''
  if (!isName(name)) throw new FieldError('name', 'cannot stand as a name')
  const balance = optionalAmount(fields, 'balance', SALE_SCALE) ?? 0n
  if (balance < 0n) throw new FieldError('balance', 'is below zero: settle it there, or write it off')
  return { id: idOf(fields, 'id'), email, name, created_at: optionalMoment(fields, 'created_at', now), balance }
}

export interface ProviderTableRow {
  id: bigint
  settings: NewProvider
}

/** Reads a row of `providers`, but for the balance, whose scale is the currency's. Whether the settings can be is for the provider's own check. FieldError. */
export function readProvider(fields: Fields): ProviderTableRow {
  return {
    id: idOf(fields, 'id'),
    settings: {
      name: textOf(fields, 'name', 80),
      url: textOf(fields, 'url', 500),
      key: textOf(fields, 'key', 500),
      currency: optionalText(fields, 'currency', 12) ?? 'USD',
    },
  }
}

/** A provider as it stands here, by its number there. */
export interface KnownProvider {
  id: bigint
  currency: string
  scale: number
}

/** Reads a row of `services`. FieldError. */
export function readService(fields: Fields, providers: ReadonlyMap<bigint, KnownProvider>): TakenService {
  const provider = providers.get(idOf(fields, 'provider_id'))
  if (!provider) throw new FieldError('provider_id', 'is none that was taken over')
  const provider_service_id = textOf(fields, 'provider_service_id', 100)
  if (!isServiceId(provider_service_id)) throw new FieldError('provider_service_id', 'cannot be sent back as it is')
  const raw_type = optionalText(fields, 'type', 60) ?? 'Default'
  const rate = amountOf(fields, 'rate', SALE_SCALE)
  if (rate < 0n) throw new FieldError('rate', 'is below zero')
  const offered = readOffer({
    provider_service_id,
    name: textOf(fields, 'name', 10_000),
    category: optionalText(fields, 'category', 10_000) ?? '',
    description: optionalText(fields, 'description', 100_000),
    raw_type,
    type: typeOf(raw_type),
    rate: amountOf(fields, 'cost', provider.scale),
    min: optionalWhole(fields, 'min') ?? 1n,
    max: optionalWhole(fields, 'max') ?? 1n,
    refill: isYes(fields, 'refill'),
    cancel: isYes(fields, 'cancel'),
    dripfeed: isYes(fields, 'dripfeed'),
  })
  if (!offered) throw new FieldError('min', 'with max and cost leaves nothing to be sold')
  const is_off = optionalText(fields, 'status', 50) !== undefined && !isYes(fields, 'status')
  return { ...offered, id: idOf(fields, 'id'), provider_id: provider.id, cost_asset: provider.currency, rate, is_off }
}

function typeOf(text: string): OrderType {
  const plain = (name: string) => name.toLowerCase().replace(/[^a-z]/g, '')
  const type = TYPE_NAMES.find((each) => plain(each) === plain(text))
  if (!type) throw new FieldError('type', `"${text}" is not sold here`)
  return type
}

/** What an order takes from its service. */
export type KnownService = Pick<
  TakenService,
  'type' | 'provider_id' | 'provider_service_id' | 'cost' | 'cost_asset'
> & { cost_scale: number }

/** What orders refer to, by the numbers there. */
export interface KnownRows {
  users: ReadonlyMap<bigint, bigint>
  services: ReadonlyMap<bigint, KnownService>
  now: Date
}

/** Reads a row of `orders`, the columns of which are those of the panels' own table. FieldError. */
export function readOrder(fields: Fields, { users, services, now }: KnownRows): TakenOrder {
  const customer_id = users.get(idOf(fields, 'user_id'))
  if (customer_id === undefined) throw new FieldError('user_id', 'is no customer that was taken over')
  const service_id = idOf(fields, 'service_id')
  const service = services.get(service_id)
  if (!service) throw new FieldError('service_id', 'is none that was taken over')
  const quantity = optionalWhole(fields, 'quantity') ?? 0n
  if (quantity < 1n) throw new FieldError('quantity', 'is not above zero')
  const charge = amountOf(fields, 'charge', SALE_SCALE)
  if (charge <= 0n) throw new FieldError('charge', 'is not above zero')
  const cost = optionalAmount(fields, 'cost', service.cost_scale) ?? 0n
  if (cost < 0n) throw new FieldError('cost', 'is below zero')
  const placed_at = optionalMoment(fields, 'created_at', now)
  if (!placed_at) throw new FieldError('created_at', 'is missing')
  const { type, provider_id, provider_service_id, cost_asset } = service
  const status = textOf(fields, 'status', 50)
  // Which posts it has had, and what it may still have, another system does not say.
  if (type === 'Subscriptions' && !hasEnded(status)) {
    throw new FieldError('status', 'is of a subscription under way, which cannot be taken over: end it there first')
  }
  return {
    ...{ id: idOf(fields, 'id'), customer_id, service_id, type, provider_id, provider_service_id },
    link: textOf(fields, 'link', 2048),
    quantity,
    params: paramsOf(fields),
    ...{ charge, cost, cost_asset },
    start_count: optionalWhole(fields, 'start_count') ?? null,
    remains: optionalWhole(fields, 'remains') ?? null,
    status,
    provider_order_id: optionalText(fields, 'provider_order_id', 200) ?? null,
    provider_status: optionalText(fields, 'provider_status', 100) ?? null,
    placed_at,
    updated_at: optionalMoment(fields, 'updated_at', now) ?? placed_at,
  }
}

/** What the order's type wants besides, as it was sent: comments, user names, a country. */
function paramsOf(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    PARAM_NAMES.flatMap((name) => {
      const text = optionalText(fields, name, PARAM_CHARS_MAX)
      return text === undefined ? [] : [[name, text]]
    }),
  )
}
