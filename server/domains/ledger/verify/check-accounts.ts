import { type Check, PROBLEMS_MAX, type Problem } from '#server/platform/db/check.ts'
import type { Snapshot } from '#server/platform/db/read-snapshot.ts'
import { inBlock, ofBlock } from '../block.ts'
import { placeNumber, stateNumber } from './row-number.ts'

/**
 * Every line leads from the state before it, which is known from what it changed, to the state after it. Taken as sums over an account, the states before and
 * the account's present state must be the states after and the empty one. Versions grow by one, so that holds only for an unbroken way from nothing
 * to the present: versions contiguous from 1 and given once, each balance the one before plus the change, the account's own row the last of them.
 */
const BROKEN = `
  with way as (
    select account, sum(${stateNumber('version', 'posted', 'held')}) as after,
      sum(${stateNumber('version - 1', 'posted - posted_change', 'held - held_change')}) as before
    from ledger.side group by account
  )
  select coalesce(balance.account, way.account) as id
  from ledger.balance full join way on way.account = balance.account
  where balance.account is null or coalesce(way.after, 0) + ${stateNumber('0', '0', '0')}
    <> coalesce(way.before, 0) + ${stateNumber('balance.version', 'balance.posted', 'balance.held')}
  order by 1 limit ${PROBLEMS_MAX}`

export const checkBalances: Check = {
  name: 'every balance is the sum of its lines',
  run: async (snapshot) => {
    const broken = await snapshot.query<{ id: bigint }>(BROKEN)
    const problems: Problem[] = []
    for (const { id } of broken) problems.push(...(await firstWrongLine(snapshot, id)))
    return problems
  },
}

const FIRST_WRONG_LINE = `
  with line as (
    select movement, version, posted, held, coalesce(lag(version) over way, 0) + 1 as next_version,
      coalesce(lag(posted) over way, 0) + posted_change as next_posted, coalesce(lag(held) over way, 0) + held_change as next_held
    from ledger.side where account = $1 window way as (order by version, movement)
  ), wrong as (
    select movement, format('version %s: posted %s, held %s', version, posted, held) as found,
      format('version %s: posted %s, held %s', next_version, next_posted, next_held) as expected
    from line where (version, posted, held) <> (next_version, next_posted, next_held)
    order by version, movement limit 1
  )
  select case when exists (select from ledger.hold where id = movement) then 'ledger.hold'
      when exists (select from ledger.release where id = movement) then 'ledger.release' else 'ledger.transfer' end as "table",
    movement::text as id, format('account %s does not stand as the line before it and this movement say', $1::bigint) as what, expected, found
  from wrong`

const WRONG_ACCOUNT = `
  select 'ledger.balance' as "table", wanted.id::text as id,
    case when balance.account is null then 'lines name an account that does not exist' else 'it does not stand as its last line says' end as what,
    format('version %s: posted %s, held %s', coalesce(side.version, 0), coalesce(side.posted, 0), coalesce(side.held, 0)) as expected,
    case when balance.account is null then 'no such row'
      else format('version %s: posted %s, held %s', balance.version, balance.posted, balance.held) end as found
  from (values ($1::bigint)) as wanted (id)
  left join ledger.balance on balance.account = wanted.id
  left join lateral (
    select version, posted, held from ledger.side where side.account = wanted.id order by version desc limit 1
  ) as side on true`

async function firstWrongLine(snapshot: Snapshot, account: bigint): Promise<Problem[]> {
  const lines = await snapshot.query<Problem>(FIRST_WRONG_LINE, [account])
  return lines.length > 0 ? lines : snapshot.query<Problem>(WRONG_ACCOUNT, [account])
}

/** ledger.line says where each sealed line of an account is: the same places as the movements themselves, all but the unsealed ones. */
const MISPLACED = `
  with place as (
    select account, sum(${placeNumber('version', 'movement')}) as places from ledger.side group by account
  ), unsealed as (
    select side.account, sum(${placeNumber('side.version', 'side.movement')}) as places
    from ledger.unsealed as block ${ofBlock('side')} group by side.account
  ), line as (
    select account, sum(${placeNumber('version', 'movement')}) as places from ledger.line group by account
  )
  select coalesce(place.account, line.account) as id
  from place full join line on line.account = place.account left join unsealed on unsealed.account = place.account
  where coalesce(place.places, 0) <> coalesce(line.places, 0) + coalesce(unsealed.places, 0)
  order by 1 limit ${PROBLEMS_MAX}`

const FIRST_MISPLACED = `
  with place as (
    select version, movement from ledger.side as side where account = $1 and not exists (select from ledger.unsealed as block where ${inBlock('side.movement')})
  ), line as (select version, movement from ledger.line where account = $1)
  select 'ledger.line' as "table", format('account %s, version %s', $1::bigint, coalesce(place.version, line.version)) as id,
    'it does not lead to the movement of that version' as what,
    coalesce('movement ' || place.movement, 'no such line') as expected, coalesce('movement ' || line.movement, 'no such line') as found
  from place full join line on line.version = place.version
  where place.movement is distinct from line.movement
  order by coalesce(place.version, line.version) limit 1`

export const checkLines: Check = {
  name: 'every line of an account is found',
  run: async (snapshot) => {
    const misplaced = await snapshot.query<{ id: bigint }>(MISPLACED)
    const problems: Problem[] = []
    for (const { id } of misplaced) problems.push(...(await snapshot.query<Problem>(FIRST_MISPLACED, [id])))
    return problems
  },
}
