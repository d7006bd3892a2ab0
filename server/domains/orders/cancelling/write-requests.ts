import { dateArray, int8Array, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { CancelRequest } from './cancel-request.ts'

/** A request as it is to stand: with the time that its state has. */
export type Decided = CancelRequest & { next_try_at?: Date; claimed_until?: Date }

const update = statement(`
  update orders.cancel_request r set state = new.state, attempts = new.attempts, next_try_at = new.next_try_at, claimed_until = new.claimed_until,
    provider_id = new.provider_id, provider_order_id = new.provider_order_id, code = new.code, message = new.message, ended_at = new.ended_at
  from (select unnest($1::bigint[]) as id, unnest($2::text[]) as state, unnest($3::smallint[]) as attempts, unnest($4::timestamptz[]) as next_try_at,
    unnest($5::timestamptz[]) as claimed_until, unnest($6::bigint[]) as provider_id, unnest($7::text[]) as provider_order_id, unnest($8::text[]) as code,
    unnest($9::text[]) as message, unnest($10::timestamptz[]) as ended_at) as new
  where r.id = new.id`)

/** Writes requests that the caller's transaction has locked: the one place that updates them. Sent, not awaited. */
export function writeRequests(tx: Tx, requests: readonly Decided[]): void {
  if (requests.length === 0) return
  tx.send(update, [
    int8Array(requests.map(({ id }) => id)),
    textArray(requests.map(({ state }) => state)),
    plainArray(requests.map(({ attempts }) => attempts)),
    dateArray(requests.map(({ next_try_at }) => next_try_at)),
    dateArray(requests.map(({ claimed_until }) => claimed_until)),
    int8Array(requests.map(({ provider_id }) => provider_id)),
    ...(['provider_order_id', 'code', 'message'] as const).map((name) => textArray(requests.map((each) => each[name]))),
    dateArray(requests.map(({ ended_at }) => ended_at)),
  ])
}
