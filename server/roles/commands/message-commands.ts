import { normalEmail } from '#server/domains/identity/user.ts'
import { MESSAGE_STATES, type Message } from '#server/domains/notifications/messages/message.ts'
import { listMessages, MESSAGES_PAGE_MAX } from '#server/domains/notifications/messages/queries.ts'
import { resendMessage } from '#server/domains/notifications/messages/resend-message.ts'
import { sendTest } from '#server/domains/notifications/messages/send-test.ts'
import type { Config } from '#server/platform/config/config.ts'
import { type Command, print, readArguments, readId, UsageError, withSaldo } from './command.ts'

const IDS_MAX = 100

/** `saldo messages …` */
export const messagesCommand: Command = {
  arguments: `list [--state ${MESSAGE_STATES.join('|')}] [--before <id>] | resend <id>… | test <address or chat number>`,
  summary: 'Mails and Telegram messages: what waits, what was given up; try the way out',
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    if (verb === 'list') return list(rest, config)
    if (verb === 'resend') return resend(rest, config)
    if (verb === 'test') return test(rest, config)
    throw new UsageError(`messages: expected list, resend or test, not "${verb}".`)
  },
}

function list(args: string[], config: Config): Promise<number> {
  const { options } = readArguments(args, ['state', 'before'], { min: 0, max: 0 })
  const state = MESSAGE_STATES.find((each) => each === options.state)
  if (options.state !== undefined && !state) throw new UsageError(`--state is one of ${MESSAGE_STATES.join(', ')}.`)
  const before = options.before === undefined ? undefined : readId(options.before, '--before')
  return withSaldo(config, async ({ app }) => {
    const found = await listMessages(app.db, { state, before })
    const messages = found.slice(0, MESSAGES_PAGE_MAX)
    for (const message of messages) print(line(message))
    if (found.length > messages.length) print(`More: --before ${messages.at(-1)?.id}`)
    if (messages.length === 0) print('There are no such messages.')
    return 0
  })
}

function line({ id, channel, kind, user_id, address, state, attempts, reason, reply }: Message): string {
  const to = address ?? (user_id === null ? '' : `user ${user_id}`)
  return `${id}  ${state}  ${channel}  ${kind}  ${to}  ${attempts} tries  ${reason ?? ''}  ${reply ?? ''}`.trimEnd()
}

function resend(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: IDS_MAX })
  const ids = positionals.map((text) => readId(text, 'Each message'))
  return withSaldo(config, async ({ app }) => {
    const by = { now: app.clock.now(), actor: { kind: 'command', user_agent: 'saldo messages' } } as const
    for (const id of ids) {
      await app.db.transaction((tx) => resendMessage(tx, id, by))
      print(`${id}  waits to be sent`)
    }
    return 0
  })
}

function test(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: 1 })
  const given = positionals[0] as string
  const email = normalEmail(given)
  if (email === undefined && !/^-?\d{1,18}$/.test(given)) {
    throw new UsageError('test: an e-mail address, or the number of a Telegram chat.')
  }
  return withSaldo(config, async ({ app }) => {
    const to =
      email === undefined
        ? { channel: 'telegram' as const, address: given }
        : { channel: 'email' as const, address: email }
    await app.db.transaction(async (tx) => sendTest(tx, app.clock.now(), to))
    print(`A test message waits to be sent to ${to.address}. "saldo messages list" tells what became of it.`)
    return 0
  })
}
