import { type Check, checkOf, PROBLEMS_MAX } from '#server/platform/db/check.ts'

export const checkSums: Check = checkOf(
  'debits equal credits in each asset',
  `select 'ledger.asset' as "table", asset as id, 'its accounts together hold something' as what, '0' as expected, sum(posted)::text as found
  from ledger.balance group by asset having sum(posted) <> 0 order by asset`,
)

export const checkAssets: Check = checkOf(
  'each transfer stays within one asset',
  `select 'ledger.transfer' as "table", transfer.id::text as id, 'its two accounts are of different assets' as what,
    debit.asset as expected, credit.asset as found
  from ledger.transfer
  join ledger.balance as debit on debit.account = transfer.debit join ledger.balance as credit on credit.account = transfer.credit
  where debit.asset <> credit.asset
  order by transfer.id limit ${PROBLEMS_MAX}`,
)

export const checkNames: Check = checkOf(
  'each account has its name and its balance',
  `select case when balance.account is null then 'ledger.account_name' else 'ledger.balance' end as "table",
    coalesce(account_name.id, account)::text as id, 'name and balance are not of one account in one asset' as what,
    coalesce(account_name.asset, 'a name') as expected, coalesce(balance.asset, 'a balance') as found
  from ledger.account_name full join ledger.balance on balance.account = account_name.id
  where account_name.asset is distinct from balance.asset
  order by coalesce(account_name.id, account) limit ${PROBLEMS_MAX}`,
)
