import { invariant } from '#server/kit/invariant.ts'
import { int8Array, plainArray } from '#server/platform/db/arrays.ts'
import { type Db, statement, type Tx } from '#server/platform/db/database.ts'
import { BLOCK_HASH, ofBlock, SEAL_BODY } from './block.ts'

/** Bounds the memory of one seal (a movement's text is about 120 bytes) and how long a reader waits to find its lines in order. */
const SEAL_MOVEMENTS_MAX = 200_000
const SEAL_BLOCKS_MAX = 2_000

/** What a call sealed. `is_full`: it stopped at a limit, so there is more. */
export interface Sealed {
  blocks: number
  movements: number
  is_full: boolean
}

const NOTHING: Sealed = { blocks: 0, movements: 0, is_full: false }

/** Any fixed number: whoever holds it seals. */
const SEALER = 7_252_031

/**
 * Seals the oldest blocks that are not sealed yet: numbers their movements on from the last seal, chains their hashes, and writes the accounts' lines. Taken by
 * their unsealed state, never by the order of ids, so none is missed that commits late. One sealer at a time: another call
 * meanwhile does nothing. InvariantError when a block's movements are not those that were posted.
 */
export async function sealBlocks(db: Db, movements_max = SEAL_MOVEMENTS_MAX): Promise<Sealed> {
  return db.transaction(async (tx) => {
    const [lock] = await tx.query<{ ours: boolean }>(tryLock)
    if (!lock?.ours) return NOTHING
    const taken = await tx.query<UnsealedBlock>(takeBlocks, [movements_max, SEAL_BLOCKS_MAX])
    if (taken.length === 0) return NOTHING
    tx.send(roomToSort)
    const blocks = await hashBlocks(tx, taken)
    tx.send(insertSeal, columnsOf(blocks))
    tx.send(insertLines, columnsOf(blocks).slice(0, 3))
    const movements = blocks.reduce((sum, block) => sum + block.movements, 0)
    return {
      blocks: blocks.length,
      movements,
      is_full: blocks.length === SEAL_BLOCKS_MAX || movements >= movements_max,
    }
  })
}

interface UnsealedBlock {
  block: bigint
  movements: number
  /** As PostgreSQL writes it, to the microsecond. */
  at: string
}

interface HashedBlock extends UnsealedBlock {
  hash: string
}

const tryLock = statement(`select pg_try_advisory_xact_lock(${SEALER}) as ours`)

// Sorted, because of two versions of an account the later lies in the higher block: the lines of each account then grow without a gap.
const takeBlocks = statement(`
  delete from ledger.unsealed where ctid = any(array(
    select ctid from (
      select ctid, sum(movements) over (order by block rows unbounded preceding) - movements as before,
        row_number() over (order by block) as place
      from ledger.unsealed) as waiting
    where before < $1 and place <= $2))
  returning block, movements, at::text`)

// Sorting in memory.
const roomToSort = statement(`select set_config('work_mem', '128MB', true), set_config('jit', 'off', true)`)

const hashTaken = statement(`
  select block.block, count(*) as movements, encode(${BLOCK_HASH}, 'hex') as hash
  from unnest($1::bigint[], $2::timestamptz[]) as block (block, at)
  ${ofBlock('movement')}
  group by block.block`)

async function hashBlocks(tx: Tx, taken: readonly UnsealedBlock[]): Promise<HashedBlock[]> {
  const rows = await tx.query<{ block: bigint; movements: bigint; hash: string }>(hashTaken, [
    int8Array(taken.map((each) => each.block)),
    plainArray(taken.map((each) => `"${each.at}"`)),
  ])
  const found = new Map(rows.map((row) => [row.block, row]))
  return taken.map((each) => {
    const row = found.get(each.block)
    const here = row?.movements ?? 0n
    invariant(here === BigInt(each.movements), `block ${each.block} has ${here} movements of ${each.movements} posted`)
    return { ...each, hash: row?.hash ?? '' }
  })
}

const insertSeal = statement(`
  with previous as (select number, last_line, hash from ledger.seal order by number desc limit 1),
  block as (
    select block, movements, at, decode(hash, 'hex') as hash, coalesce((select last_line from previous), 0) + 1
      + sum(movements) over (order by block rows unbounded preceding) - movements as first_line
    from unnest($1::bigint[], $2::smallint[], $3::timestamptz[], $4::text[]) as block (block, movements, at, hash)
  ),
  numbered as (select block, movements, at, hash, first_line::bigint as first_line from block),
  new_seal as (
    insert into ledger.seal (number, first_line, last_line, hash)
    select coalesce((select number from previous), 0) + 1, min(first_line), max(first_line + movements - 1),
      sha256(coalesce((select hash from previous), ''::bytea) || ${SEAL_BODY})
    from numbered
    returning number
  )
  insert into ledger.sealed_block (block, seal, first_line, movements, hash, at)
  select block, number, first_line, movements, hash, at from numbered, new_seal`)

const insertLines = statement(`
  insert into ledger.line (account, version, movement)
  select side.account, side.version, side.movement
  from unnest($1::bigint[], $2::smallint[], $3::timestamptz[]) as block (block, movements, at)
  ${ofBlock('side')}
  order by side.account, side.version`)

function columnsOf(blocks: readonly HashedBlock[]): unknown[] {
  return [
    int8Array(blocks.map((each) => each.block)),
    plainArray(blocks.map((each) => each.movements)),
    plainArray(blocks.map((each) => `"${each.at}"`)),
    plainArray(blocks.map((each) => each.hash)),
  ]
}
