/**
 * What a seal's hash covers besides the hash of the seal before it: each of its blocks, as SQL over rows of ledger.sealed_block. The making and the proving of
 * seals share it; another text would prove none of those that were made before.
 */
export const SEAL_BODY = `string_agg(int8send(block) || int8send(first_line) || int8send(movements) ||
    int8send((extract(epoch from at) * 1000000)::bigint) || hash, ''::bytea order by block)`

/** The hash of a block, as SQL over rows of ledger.movement. */
export const BLOCK_HASH = `sha256(convert_to(string_agg(text, E'\\n' order by id), 'UTF8'))`

/** Bits of an id within its block: a block has MOVEMENTS_MAX ids. */
export const BLOCK_BITS = 14

/** Whether an id lies in the block of the row called `block`, as SQL that an index on the id serves. */
export const inBlock = (id: string): string =>
  `${id} between block.block << ${BLOCK_BITS} and ((block.block + 1) << ${BLOCK_BITS}) - 1`

/**
 * The rows of ledger.side or ledger.movement that lie in the block of the row called `block`, by the index of the one partition in which they are. `offset 0`
 * keeps the planner from joining by the moment, which would read whole partitions.
 */
export const ofBlock = (view: 'side' | 'movement', and = ''): string => `
    cross join lateral (
      select * from ledger.${view} where ${inBlock(view === 'side' ? 'movement' : 'id')} and ${view}.at = block.at ${and} offset 0
    ) as ${view}`
