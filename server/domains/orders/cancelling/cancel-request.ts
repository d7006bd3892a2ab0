/**
 * Where a wish stands. asked → sent → accepted | refused | unknown, as the provider answers; sent → asked only where it did not leave the house, or was heard by one that has the order no
 * more. unknown → any of these where the sender was given up and its answer comes late. asked → accepted where the order turned out to be at no provider and was cancelled at once;
 * asked → dropped where it ended first. Accepted says that the provider took the wish, no more.
 */
export type CancelState = 'asked' | 'sent' | 'accepted' | 'refused' | 'unknown' | 'dropped'

/** A wish that the provider should end an order. */
export interface CancelRequest {
  id: bigint
  order_id: bigint
  asked_by: string
  asked_at: Date
  state: CancelState
  attempts: number
  /** Where it was sent last: to which provider, and which number of it. */
  provider_id: bigint | null
  provider_order_id: string | null
  code: string | null
  message: string | null
  ended_at: Date | null
}

/** The columns of a CancelRequest, of the table called `name`. */
export function cancelColumns(name: string): string {
  return [
    'id',
    'order_id',
    'asked_by',
    'asked_at',
    'state',
    'attempts',
    'provider_id',
    'provider_order_id',
    'code',
    'message',
    'ended_at',
  ]
    .map((column) => `${name}.${column}`)
    .join(', ')
}
