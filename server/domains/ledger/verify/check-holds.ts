import { type Check, checkOf, PROBLEMS_MAX } from '#server/platform/db/check.ts'

export const checkHoldUse: Check = checkOf(
  'each hold was used as its captures and releases say',
  `with captured as (select hold, sum(amount) as amount from ledger.transfer where hold is not null group by hold),
  released as (select hold, sum(amount) as amount from ledger.release group by hold),
  hold as (
    select coalesce(hold.id, captured.hold, released.hold) as id, hold.id is not null as is_there, hold.captured, hold.released,
      coalesce(captured.amount, 0) as captures, coalesce(released.amount, 0) as releases, hold.amount, hold.state
    from ledger.hold full join captured on captured.hold = hold.id full join released on released.hold = coalesce(hold.id, captured.hold)
  )
  select 'ledger.hold' as "table", id::text as id, 'it was not used as its captures and releases say' as what,
    format('captured %s, released %s, of at most %s; %s', captures, releases, coalesce(amount::text, 'a hold'),
      case when captures + releases = amount then 'closed' else 'open' end) as expected,
    case when is_there then format('captured %s, released %s, of %s; %s', captured, released, amount, state) else 'no such row' end as found
  from hold
  where not is_there or captured <> captures or released <> releases or captures + releases > amount
    or (state = 'closed') <> (captures + releases = amount)
  order by id limit ${PROBLEMS_MAX}`,
)

export const checkHoldAccounts: Check = checkOf(
  'each hold was used on its own account',
  `select * from (
    select 'ledger.transfer' as "table", use.id::text as id, 'it captures a hold of another account' as what, hold.account::text as expected,
      use.debit::text as found
    from ledger.transfer as use join ledger.hold on hold.id = use.hold where use.debit <> hold.account
    union all
    select 'ledger.release', use.id::text, 'it releases a hold of another account', hold.account::text, use.account::text
    from ledger.release as use join ledger.hold on hold.id = use.hold where use.account <> hold.account
  ) as wrong order by "table" desc, id limit ${PROBLEMS_MAX}`,
)

export const checkHeld: Check = checkOf(
  'what an account holds is what is left of its open holds',
  `with left_over as (
    select account, sum(amount - captured - released) as held from ledger.hold where state = 'open' group by account
  )
  select 'ledger.balance' as "table", balance.account::text as id, 'its held value is not what is left of its holds' as what,
    coalesce(left_over.held, 0)::text as expected, balance.held::text as found
  from ledger.balance left join left_over using (account)
  where balance.held <> coalesce(left_over.held, 0)
  order by balance.account limit ${PROBLEMS_MAX}`,
)
