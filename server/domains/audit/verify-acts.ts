import { type Check, checkOf, PROBLEMS_MAX, type Problem, readersFor, runChecks } from '#server/platform/db/check.ts'
import type { Db } from '#server/platform/db/database.ts'
import { readSnapshot, type Snapshot } from '#server/platform/db/read-snapshot.ts'
import { ACT_HASH, SEAL_BODY } from './chain.ts'

/** What was proven. `head` is the hash of the last seal: kept elsewhere, it also shows that no later state was put in the audit's place. */
interface Figures {
  acts: bigint
  seals: bigint
  unsealed: bigint
  head: string | null
}

export type ActsVerification = Figures & { ok: boolean; problems: Problem[] }

/**
 * Proves the audit as it was at one moment, while it goes on: each act is what was sealed, none is missing or came in by another way, and the seals
 * form one chain. The first problem is the first wrong row. `onProgress` hears in plain words what has been proven. Throws what the database throws.
 */
export async function verifyActs(
  db: Db,
  { onProgress = () => {} }: { onProgress?: (text: string) => void } = {},
): Promise<ActsVerification> {
  return readSnapshot(db, readersFor(db), async (readers) => {
    const problems = await runChecks([checkActs, checkOnce, checkSeals], readers, onProgress)
    const [figures] = (await (readers[0] as Snapshot).query<Figures>(FIGURES)) as [Figures]
    return { ...figures, ok: problems.length === 0, problems }
  })
}

/** By id alone, so that an act that was moved to another month is seen as such. */
const checkActs: Check = checkOf(
  'each act is as it was sealed',
  `with known as (
    select number, act, at, hash from audit.sealed_act union all select null, act, at, null from audit.unsealed
  ), found as (
    select id, at, ${ACT_HASH} as hash from audit.act_text
  ), judged as (
    select coalesce(known.number, 9223372036854775807) as place, coalesce(known.act, found.id) as id, case
        when known.act is null then 'it is neither sealed nor waiting to be'
        when found.id is null then 'it is missing'
        when known.at <> found.at then 'it is not of the moment that was sealed'
        when known.hash <> found.hash then 'it is not what was sealed' end as what,
      case when known.act is null then 'no such act' else coalesce(encode(known.hash, 'hex'), 'an act') end as expected,
      case when found.id is null then 'no such act' else encode(found.hash, 'hex') end as found
    from known full join found on found.id = known.act
  )
  select 'audit.act' as "table", id::text as id, what, expected, found
  from judged where what is not null order by place, judged.id limit ${PROBLEMS_MAX}`,
)

const checkOnce: Check = checkOf(
  'no act is sealed twice',
  `with known as (select act from audit.sealed_act union all select act from audit.unsealed)
  select 'audit.act' as "table", act::text as id, 'it is sealed, or waits to be, more than once' as what, '1' as expected, count(*)::text as found
  from known group by act having count(*) > 1 order by act limit ${PROBLEMS_MAX}`,
)

/** Seals numbered without a gap, their acts too, and each hash the one of what it covers. */
const checkSeals: Check = checkOf(
  'the chain of the audit is intact',
  `with act as (
    select seal, number, act, at, hash, row_number() over (order by seal, number) as place from audit.sealed_act
  ), content as (
    select seal, count(*) as acts, bool_and(number = place) as is_numbered, ${SEAL_BODY} as body from act group by seal
  ), seal as (
    select number, first_act, last_act, hash, coalesce(lag(hash) over (order by number), ''::bytea) as hash_before,
      row_number() over (order by number) as place, coalesce(lag(last_act) over (order by number), 0) + 1 as next_act
    from audit.seal
  ), judged as (
    select seal.*, content.acts, sha256(hash_before || body) as hash_made, number = place as follows,
      is_numbered is true and first_act = next_act and last_act = first_act + content.acts - 1 as is_numbered
    from seal left join content on content.seal = seal.number
  )
  select 'audit.seal' as "table", number::text as id, case when not follows then 'its number does not follow the one before'
      when not is_numbered then 'its acts are not numbered on' else 'its hash is not that of what it covers' end as what,
    format('number %s, acts %s to %s, hash %s', place, next_act, next_act + acts - 1, encode(hash_made, 'hex')) as expected,
    format('number %s, acts %s to %s, hash %s', number, first_act, last_act, encode(hash, 'hex')) as found
  from judged where not follows or not is_numbered or hash is distinct from hash_made
  order by number limit ${PROBLEMS_MAX}`,
)

const FIGURES = `
  select (select count(*) from audit.act) as acts, (select count(*) from audit.seal) as seals,
    (select count(*) from audit.unsealed) as unsealed,
    (select encode(hash, 'hex') from audit.seal order by number desc limit 1) as head`
