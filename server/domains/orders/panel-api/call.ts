import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '#server/domains/identity/principal.ts'
import type { App } from '#server/platform/app.ts'
import type { RateLimits } from '#server/platform/limits/rate-limits.ts'
import type { CustomerReads } from '../customer-reads.ts'
import type { PlaceSingleOrder } from '../placing/place-order.ts'
import type { PanelFields } from './fields.ts'

/** What the actions of the panels' form work with. */
export interface PanelDeps {
  readonly app: App
  readonly placeOrder: PlaceSingleOrder
  readonly reads: CustomerReads
  readonly limits: RateLimits
}

/** One request whose key was right and whose action is permitted. */
export interface PanelCall {
  readonly principal: Principal
  readonly texts: PanelFields['texts']
  readonly request: Pick<FastifyRequest, 'raw'>
  readonly reply: Pick<FastifyReply, 'header'>
}
