import { plainArray } from '#server/platform/db/arrays.ts'
import { type Check, checkOf, PROBLEMS_MAX, type Problem } from '#server/platform/db/check.ts'
import { BLOCK_BITS } from '../block.ts'
import { mixed } from './row-number.ts'

export const checkKeys: Check = checkOf(
  'no key was used twice',
  // By a number for each key, since ten million numbers fit where as many texts do not.
  `with twice as (select hashtextextended(key, 0) as number from ledger.entry group by 1 having count(*) > 1)
  select 'ledger.entry' as "table", key as id, 'the key was used more than once' as what, '1' as expected, count(*)::text as found
  from ledger.entry where hashtextextended(key, 0) in (select number from twice)
  group by key having count(*) > 1 order by key limit ${PROBLEMS_MAX}`,
)

/** Ids of 256 blocks: small enough to look through, large enough that their sums are few. */
const RUN_BITS = BLOCK_BITS + 8

const UNEQUAL_RUNS = `
  with first_movement as (
    select id >> ${RUN_BITS} as run, count(*) as ids, sum(${mixed('id')}) as total from ledger.movement where id = entry group by 1
  ), entry as (
    select id >> ${RUN_BITS} as run, count(*) as ids, sum(${mixed('id')}) as total from ledger.entry where id is not null group by 1
  )
  select coalesce(first_movement.run, entry.run) as run
  from first_movement full join entry on entry.run = first_movement.run
  where (first_movement.ids, first_movement.total) is distinct from (entry.ids, entry.total) order by 1 limit ${PROBLEMS_MAX}`

const WRONG_ENTRIES = `
  with first_movement as (select id from ledger.movement where id = entry and id >> ${RUN_BITS} = any($1::bigint[])),
  entry as (select id, count(*) as entries, min(key) as key from ledger.entry where id >> ${RUN_BITS} = any($1::bigint[]) group by id)
  select 'ledger.entry' as "table", coalesce(entry.key, 'none') as id,
    case when entry.id is null then 'a movement belongs to no entry' when first_movement.id is null then 'its first movement is missing'
      else 'several entries claim one movement' end as what,
    'one entry of movement ' || coalesce(first_movement.id, entry.id) as expected,
    case when first_movement.id is null then 'no such movement' else coalesce(entry.entries, 0) || ' entries' end as found
  from first_movement full join entry on entry.id = first_movement.id
  where first_movement.id is null or entry.id is null or entry.entries > 1
  order by coalesce(first_movement.id, entry.id) limit ${PROBLEMS_MAX}`

/** Of each entry the first movement; that the others follow it is proven where blocks are. */
export const checkEntries: Check = {
  name: 'each entry has its movements, and each movement its entry',
  run: async (snapshot) => {
    const runs = await snapshot.query<{ run: bigint }>(UNEQUAL_RUNS)
    return runs.length === 0 ? [] : snapshot.query<Problem>(WRONG_ENTRIES, [plainArray(runs.map((each) => each.run))])
  },
}

export const checkReversals: Check = checkOf(
  'each reversal takes back one transfer in full',
  `with back as (select id, debit, credit, amount, reverses from ledger.transfer where reverses is not null)
  select 'ledger.reversal' as "table", coalesce(reversal.transfer, back.reverses)::text as id, 'it is no opposite of the transfer that it reverses' as what,
    coalesce(format('%s from %s to %s', first.amount, first.credit, first.debit), 'such a transfer') as expected,
    coalesce(format('%s from %s to %s', back.amount, back.debit, back.credit), 'no such transfer') as found
  from back full join ledger.reversal on reversal.reversed_by = back.id and reversal.transfer = back.reverses
  left join ledger.transfer as first on first.id = reversal.transfer
  where (first.amount, first.debit, first.credit) is distinct from (back.amount, back.credit, back.debit) or first.id is null
  order by 2 limit ${PROBLEMS_MAX}`,
)
