import { recordActs } from '#server/domains/audit/record-acts.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { userByEmail } from '#server/domains/identity/queries.ts'
import { postEntries } from '#server/domains/ledger/post-entries.ts'
import { accountIds, walletOf, worldIn } from '#server/domains/orders/accounts.ts'
import { newSecret, newUuid } from '#server/kit/id.ts'
import { formatAmount, parseAmount } from '#server/kit/money.ts'
import type { Saldo } from '../open-saldo.ts'
import { type Command, commandActor, print, readArguments, readYesNo, UsageError, withSaldo } from './command.ts'

const SALE_SCALE = 6
const REASON_MAX = 500

/** `saldo create-user` */
export const createUserCommand: Command = {
  arguments: '<email> [--role customer|administrator] [--name "Ada"] [--password …]',
  summary: 'Create a user; without --password one is made and shown',
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['role', 'name', 'password'], { min: 1, max: 1 })
    return withSaldo(config, async ({ app }) => {
      const password = options.password ?? newSecret(18)
      const user = await createUser(app, {
        email: positionals[0] as string,
        password,
        role: options.role ?? 'customer',
        by: commandActor('create-user'),
        ...(options.name !== undefined && { name: options.name }),
      })
      print(`User ${user.id}: ${user.email}, ${user.role}${options.password ? '' : `, password ${password}`}`)
      return 0
    })
  },
}

/** `saldo create-key` */
export const createKeyCommand: Command = {
  arguments: '<email> [--name "my shop"] [--scopes read,order] [--ips 192.0.2.0/24] [--legacy-get yes|no]',
  summary: 'Create an API key for a user; it is shown once',
  run: (args, config) => {
    const names = ['name', 'scopes', 'ips', 'legacy-get']
    const { options, positionals } = readArguments(args, names, { min: 1, max: 1 })
    const legacy_get = readYesNo(options, 'legacy-get') ?? false
    return withSaldo(config, async (saldo) => {
      const { id: user_id } = await userOf(saldo, positionals[0] as string)
      const { key, api_key } = await createApiKey(saldo.app, {
        user_id,
        name: options.name ?? 'command line',
        legacy_get,
        by: commandActor('create-key'),
        ...(options.scopes !== undefined && { scopes: options.scopes.split(',') }),
        ...(options.ips !== undefined && { allowed_ips: options.ips.split(',') }),
      })
      print(`Key ${api_key.id} (${api_key.prefix}…): ${key}`)
      return 0
    })
  },
}

/** `saldo credit`: money that came in outside of every rail. */
export const creditCommand: Command = {
  arguments: '<email> <amount in USD> --reason "bank transfer 4711" [--key …]',
  summary: "Put money on a customer's wallet; the same --key does it once",
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['reason', 'key'], { min: 2, max: 2 })
    const amount = parseAmount(positionals[1] as string, SALE_SCALE)
    if (amount === undefined || amount <= 0n) throw new UsageError('The amount must be above zero, such as 25.50.')
    const { reason: why } = options
    if (!why || why.length > REASON_MAX)
      throw new UsageError(`--reason says what the money is for, in up to ${REASON_MAX} characters.`)
    return withSaldo(config, async (saldo) => {
      const user = await userOf(saldo, positionals[0] as string)
      const names = [worldIn(SALE_ASSET), walletOf(user.id, SALE_ASSET)]
      const [debit, credit] = (await accountIds(saldo.app.db, names)) as [bigint, bigint]
      const key = `credit:${user.id}:${options.key ?? newUuid()}`
      const reason = `credit: ${why}`.slice(0, 60)
      const outcome = await saldo.app.db.transaction(async (tx) => {
        const movement = { kind: 'transfer', debit, credit, amount, reason } as const
        const [posted] = await postEntries(tx, [{ key, movements: [movement] }])
        if (posted?.ok && !posted.replayed) {
          const subject = { kind: 'user', id: user.id }
          const after = { amount, asset: SALE_ASSET, entry: key }
          recordActs(tx, [{ action: 'balances.credited', actor: commandActor('credit'), subject, after, reason: why }])
        }
        return posted
      })
      if (!outcome?.ok) {
        print(`Nothing moved: ${outcome?.refusal}`)
        return 1
      }
      print(
        `${outcome.replayed ? 'Already credited' : 'Credited'} ${formatAmount(amount, SALE_SCALE, 2)} USD to ${user.email}.`,
      )
      return 0
    })
  },
}

async function userOf({ app }: Saldo, email: string) {
  const user = await userByEmail(app, email)
  if (!user) throw new UsageError(`There is no user ${email}.`)
  return user
}
