import { type Check, checkOf, PROBLEMS_MAX } from './check.ts'

export const checkSums: Check = checkOf(
  'debits equal credits in each asset',
  `select 'ledger.asset' as "table", asset as id, 'its accounts together hold something' as what, '0' as expected, sum(posted)::text as found
  from ledger.account group by asset having sum(posted) <> 0 order by asset`,
)

export const checkAssets: Check = checkOf(
  'each transfer stays within one asset',
  `select 'ledger.transfer' as "table", transfer.id::text as id, 'its two accounts are of different assets' as what,
    debit.asset as expected, credit.asset as found
  from ledger.transfer
  join ledger.account as debit on debit.id = transfer.debit join ledger.account as credit on credit.id = transfer.credit
  where debit.asset <> credit.asset
  order by transfer.id limit ${PROBLEMS_MAX}`,
)
