import { invariant } from '#server/kit/invariant.ts'
import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { ACT_HASH, SEAL_BODY } from './chain.ts'

/** Bounds the memory of one seal; an act's row here has about a hundred bytes. */
const SEAL_ACTS_MAX = 5_000

/** Any fixed number: whoever holds it seals. */
const SEALER = 7_252_041

/** What a call sealed. `is_full`: it stopped at its limit, so there is more. */
export interface Sealed {
  acts: number
  is_full: boolean
}

const NOTHING: Sealed = { acts: 0, is_full: false }

interface HashedAct {
  act: bigint
  /** As PostgreSQL writes it, to the microsecond. */
  at: string
  /** Null when there is no such act. */
  hash: string | null
}

const tryLock = statement(`select pg_try_advisory_xact_lock(${SEALER}) as ours`)

// `offset 0` has each act found by its place, in the one partition in which it lies.
const takeActs = statement(`
  with taken as (
    delete from audit.unsealed where ctid = any(array(select ctid from audit.unsealed order by act limit $1))
    returning act, at
  )
  select taken.act, taken.at::text as at, encode(act_text.hash, 'hex') as hash
  from taken left join lateral (
    select ${ACT_HASH} as hash from audit.act_text where act_text.at = taken.at and act_text.id = taken.act offset 0
  ) as act_text on true
  order by taken.act`)

const insertSeal = statement(`
  with previous as (select number, last_act, hash from audit.seal order by number desc limit 1),
  act as (
    select coalesce((select last_act from previous), 0) + place as number, act, at, decode(hash, 'hex') as hash
    from unnest($1::bigint[], $2::timestamptz[], $3::text[]) with ordinality as act (act, at, hash, place)
  ),
  new_seal as (
    insert into audit.seal (number, first_act, last_act, hash)
    select coalesce((select number from previous), 0) + 1, min(number), max(number),
      sha256(coalesce((select hash from previous), ''::bytea) || ${SEAL_BODY})
    from act
    returning number
  )
  insert into audit.sealed_act (number, act, at, seal, hash)
  select act.number, act.act, act.at, new_seal.number, act.hash from act, new_seal`)

/**
 * Seals the acts that are not sealed yet: numbers them on from the last seal and chains their hashes. Taken by their unsealed state, never by the order of
 * ids, so none is missed that commits late. One sealer at a time: another call meanwhile does nothing. InvariantError when an act is not there
 * any more.
 */
export async function sealActs(db: Db, acts_max = SEAL_ACTS_MAX): Promise<Sealed> {
  return db.transaction(async (tx) => {
    const [lock] = await tx.query<{ ours: boolean }>(tryLock)
    if (!lock?.ours) return NOTHING
    const acts = await tx.query<HashedAct>(takeActs, [acts_max])
    if (acts.length === 0) return NOTHING
    const lost = acts.find((act) => act.hash === null)
    invariant(lost === undefined, `audit: act ${lost?.act} is gone before it was sealed`)
    tx.send(insertSeal, [
      int8Array(acts.map((each) => each.act)),
      plainArray(acts.map((each) => `"${each.at}"`)),
      plainArray(acts.map((each) => each.hash)),
    ])
    return { acts: acts.length, is_full: acts.length === acts_max }
  })
}
