import { type Db, statement } from '#server/platform/db/database.ts'
import { BLOCK_BITS, ofBlock } from './block.ts'
import type { Balance } from './queries.ts'

/** More lines than this are asked for page by page. */
export const STATEMENT_LINES_MAX = 500

/** One line of an account's statement. Amounts are minor units of the account's asset. */
export interface StatementLine {
  /** Contiguous from 1. */
  version: bigint
  /** The movement's id. */
  movement: bigint
  /** The first movement of the entry to which it belongs. */
  entry: bigint
  kind: 'transfer' | 'hold' | 'release'
  /** What it added to the posted value; below zero for what was paid. */
  posted_change: bigint
  held_change: bigint
  /** After this line. */
  posted: bigint
  held: bigint
  /** The other account of a transfer. */
  other: bigint | null
  reason: string | null
  /** The hold placed, captured or released. */
  hold: bigint | null
  /** The transfer that this one takes back. */
  reverses: bigint | null
  subject_kind: string | null
  subject_id: bigint | null
  at: Date
}

// Lines beyond the last sealed one lie in unsealed blocks, which are searched only when the account has such lines.
const isBeyondSeals = (up_to: string) => `
    (select least(${up_to}, balance.version) > coalesce((select max(version) from ledger.line where account = $1), 0)
      from ledger.balance where account = $1)`

const selectLines = statement(`
  with sealed as materialized (
    select line.version, line.movement, block.at
    from ledger.line join ledger.sealed_block as block on block.block = line.movement >> ${BLOCK_BITS}
    where line.account = $1 and line.version < $2 order by line.version desc limit $3
  ), unsealed as materialized (
    select side.version, side.movement, side.at
    from ledger.unsealed as block ${ofBlock('side', 'and account = $1 and version < $2')}
    where ${isBeyondSeals('$2 - 1')}
    order by side.version desc limit $3
  ), lines as materialized (
    select * from (select * from unsealed union all select * from sealed) as both_parts order by version desc limit $3
  )
  select lines.version, lines.movement, lines.at, coalesce(transfer.entry, hold.entry, release.entry) as entry,
    case when transfer.id is not null then 'transfer' when hold.id is not null then 'hold' else 'release' end as kind,
    case when transfer.debit = $1 then -transfer.amount else coalesce(transfer.amount, 0) end as posted_change,
    case when transfer.id is null then coalesce(hold.amount, -release.amount)
      when transfer.debit = $1 and transfer.hold is not null then -transfer.amount else 0 end as held_change,
    case when transfer.debit = $1 then transfer.debit_posted else coalesce(transfer.credit_posted, hold.posted, release.posted) end as posted,
    case when transfer.debit = $1 then transfer.debit_held else coalesce(transfer.credit_held, hold.held, release.held) end as held,
    case when transfer.debit = $1 then transfer.credit else transfer.debit end as other,
    transfer.reason, transfer.reverses, coalesce(transfer.hold, hold.id, release.hold) as hold,
    coalesce(transfer.subject_kind, hold.subject_kind) as subject_kind,
    coalesce(transfer.subject_id, hold.subject_id) as subject_id
  from lines
  left join lateral (select * from ledger.transfer where id = movement and transfer.at = lines.at offset 0) as transfer on true
  left join lateral (select * from ledger.hold where id = movement offset 0) as hold on true
  left join lateral (select * from ledger.release where id = movement and release.at = lines.at offset 0) as release on true
  order by lines.version desc`)

/**
 * The lines of an account, newest first, sealed or not; those before version `before` when it is given: the version of the last line of a page asks for the
 * next. `limit` is cut at STATEMENT_LINES_MAX.
 */
export function statementOf(
  db: Pick<Db, 'query'>,
  account: bigint,
  { before, limit }: { before?: bigint | undefined; limit: number },
): Promise<StatementLine[]> {
  const lines = Math.max(1, Math.min(limit, STATEMENT_LINES_MAX))
  return db.query<StatementLine>(selectLines, [account, before ?? 2n ** 62n, lines])
}

// Neither the moment nor the block falls from one version to the next, so the line is found by halving: thirty steps at the most.
const selectBalanceAt = statement(`
  with recursive search (low, high) as (
    select 0::bigint, coalesce((select max(version) from ledger.line where account = $1), 0)
    union all
    select case when block.at <= $2 then line.version else low end, case when block.at <= $2 then high else line.version - 1 end
    from search
    join ledger.line on line.account = $1 and line.version = (low + high + 1) / 2
    join ledger.sealed_block as block on block.block = line.movement >> ${BLOCK_BITS}
    where low < high
  ), unsealed as materialized (
    select side.version, side.posted, side.held
    from ledger.unsealed as block ${ofBlock('side', 'and account = $1')}
    where ${isBeyondSeals('balance.version')} and block.at <= $2
    order by side.version desc limit 1
  ), sealed as (
    select side.version, side.posted, side.held
    from search
    join ledger.line on line.account = $1 and line.version = low
    join ledger.sealed_block as block on block.block = line.movement >> ${BLOCK_BITS}
    cross join lateral (
      select * from ledger.side where movement = line.movement and side.at = block.at and account = $1 offset 0
    ) as side
    where low = high
  )
  select posted, held, posted - held as available, version
  from (select * from unsealed union all select * from sealed) as found order by version desc limit 1`)

/** The balance of an account as it stood at a moment: after its last line up to then; all zero before the first. */
export async function balanceAt(db: Pick<Db, 'query'>, account: bigint, at: Date): Promise<Balance> {
  const [balance] = await db.query<Balance>(selectBalanceAt, [account, at])
  return balance ?? { posted: 0n, held: 0n, available: 0n, version: 0n }
}
