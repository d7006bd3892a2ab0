import { userByEmail } from '#server/domains/identity/queries.ts'
import { WALLET_ASSET, WALLET_SCALE } from '#server/domains/payments/accounts.ts'
import { ADJUSTMENT_REASON_MAX } from '#server/domains/payments/adjustments/adjustment.ts'
import { askAdjustment } from '#server/domains/payments/adjustments/ask-adjustment.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import { type Command, commandActor, print, readArguments, UsageError, withSaldo } from './command.ts'

/** `saldo adjust-balance`: for emergencies, without a second person; the audit says that it was done at the terminal. */
export const adjustBalanceCommand: Command = {
  arguments: '<email> <amount in USD> --reason "order 4711 was lost"     (-- before an amount below zero)',
  summary: "Put a customer's balance right at once; below zero takes away",
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['reason'], { min: 2, max: 2 })
    const [email, text] = positionals as [string, string]
    const amount = parseAmount(text, WALLET_SCALE)
    if (amount === undefined || amount === 0n)
      throw new UsageError('The amount must be a figure such as 25.50 or -25.50.')
    const reason = options.reason?.trim()
    if (!reason || reason.length > ADJUSTMENT_REASON_MAX) {
      throw new UsageError(`--reason is missing, or longer than ${ADJUSTMENT_REASON_MAX} characters.`)
    }
    return withSaldo(config, async ({ app }) => {
      const user = await userByEmail(app, email)
      if (!user) throw new UsageError(`There is no user ${email}.`)
      const editor = { principal: undefined, actor: commandActor('adjust-balance') }
      const { id } = await askAdjustment(app, editor, { user_id: user.id, amount, reason })
      print(`Adjustment ${id}: ${formatAmount(amount, WALLET_SCALE, 2)} ${WALLET_ASSET} for ${user.email}.`)
      return 0
    })
  },
}
