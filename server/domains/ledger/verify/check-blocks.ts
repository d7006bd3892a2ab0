import { type Check, checkOf, PROBLEMS_MAX, type Problem } from '#server/platform/db/check.ts'
import type { Snapshot } from '#server/platform/db/read-snapshot.ts'
import { BLOCK_BITS, BLOCK_HASH, SEAL_BODY } from '../block.ts'

/** Movements proven in one statement: what their sorted texts take fits in memory. */
const CHUNK_MOVEMENTS = 200_000

const CHUNKS = `
  with block as (
    select block, movements from ledger.sealed_block union all select block, movements from ledger.unsealed
  )
  select min(block) as first from (
    select block, sum(movements) over (order by block rows unbounded preceding) / ${CHUNK_MOVEMENTS} as chunk from block
  ) as counted group by chunk order by chunk`

/** One check for each run of blocks. Together they see every movement there is, in whatever block. */
export async function blockChecks(snapshot: Snapshot): Promise<Check[]> {
  const firsts = (await snapshot.query<{ first: bigint }>(CHUNKS)).map((row) => row.first)
  const bounds = [0n, ...firsts.slice(1), 2n ** BigInt(63 - BLOCK_BITS) - 1n]
  return bounds.slice(1).map((end, i) => ({
    name: `each block is whole and as it was sealed, ${i + 1} of ${bounds.length - 1}`,
    run: (each: Snapshot) => each.query<Problem>(WRONG_BLOCKS, [bounds[i], end]),
  }))
}

/** A block's movements bear its ids without a gap, one moment, and entries that follow one another; and their texts have the hash that was sealed. */
const WRONG_BLOCKS = `
  with known as (
    select block, count(*) as times, min(movements) as movements, min(at) as at, min(hash) as hash from (
      select block, movements, at, encode(hash, 'hex') as hash from ledger.sealed_block where block >= $1 and block < $2
      union all
      select block, movements, at, null from ledger.unsealed where block >= $1 and block < $2) as both_kinds
    group by block
  ), movement as (
    select id, at, text, entry = id or entry = lag(entry) over (order by id) as follows
    from ledger.movement where id >= $1::bigint << ${BLOCK_BITS} and id < $2::bigint << ${BLOCK_BITS}
  ), found as (
    select id >> ${BLOCK_BITS} as block, count(*) as movements, max(id) - min(id) + 1 as width, min(id) as first, min(at) as at, max(at) as last_at,
      min(id) filter (where follows is not true) as stray, encode(${BLOCK_HASH}, 'hex') as hash
    from movement group by 1
  ), judged as (
    select coalesce(known.block, found.block) as block, case
      when known.block is null then 'its movements are neither sealed nor waiting to be'
      when known.times > 1 then 'it is both sealed and waiting to be, or waits twice'
      when found.block is null or (found.movements, found.width, found.first) <> (known.movements, known.movements, known.block << ${BLOCK_BITS})
        then 'movements are missing or too many'
      when (found.at, found.last_at) <> (known.at, known.at) then 'its movements are not of its moment'
      when found.stray is not null then 'a movement does not follow its entry'
      when known.hash <> found.hash then 'its movements are not those that were sealed' end as what, known, found, stray
    from known full join found on found.block = known.block
  )
  select case when stray is not null then 'movement' else 'ledger.sealed_block' end as "table", coalesce(stray, block)::text as id, what,
    coalesce(format('%s movements at %s, hash %s', (known).movements, (known).at, coalesce((known).hash, 'not made yet')), 'no such block') as expected,
    coalesce(format('%s movements at %s, hash %s', (found).movements, (found).at, (found).hash), 'no movements') as found
  from judged where what is not null order by block limit ${PROBLEMS_MAX}`

/** The chain: seals numbered without a gap, their blocks' lines too, and each hash the one of what it covers. */
export const checkSeals: Check = checkOf(
  'the chain of seals is intact',
  `with block as (
    select seal, block, first_line, movements, at, hash,
      sum(movements) over (order by seal, block rows unbounded preceding) - movements + 1 as next_line
    from ledger.sealed_block
  ), content as (
    select seal, sum(movements) as movements, bool_and(first_line = next_line) as is_numbered, ${SEAL_BODY} as body from block group by seal
  ), seal as (
    select number, first_line, last_line, hash, coalesce(lag(hash) over (order by number), ''::bytea) as hash_before,
      row_number() over (order by number) as place, coalesce(lag(last_line) over (order by number), 0) + 1 as next_line
    from ledger.seal
  ), judged as (
    select seal.*, content.movements, sha256(hash_before || body) as hash_made, number = place as follows,
      is_numbered is true and first_line = next_line and last_line = first_line + content.movements - 1 as is_numbered
    from seal left join content on content.seal = seal.number
  )
  select 'ledger.seal' as "table", number::text as id, case when not follows then 'its number does not follow the one before'
      when not is_numbered then 'its lines are not numbered on' else 'its hash is not that of what it covers' end as what,
    format('number %s, lines %s to %s, hash %s', place, next_line, next_line + movements - 1, encode(hash_made, 'hex')) as expected,
    format('number %s, lines %s to %s, hash %s', number, first_line, last_line, encode(hash, 'hex')) as found
  from judged where not follows or not is_numbered or hash is distinct from hash_made
  order by number limit ${PROBLEMS_MAX}`,
)
