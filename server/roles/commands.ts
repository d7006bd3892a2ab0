import type { Config } from '#server/platform/config/config.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { adjustBalanceCommand } from './commands/adjustment-commands.ts'
import { alertsCommand } from './commands/alert-commands.ts'
import { auditCommand } from './commands/audit-commands.ts'
import { type Command, say, UsageError } from './commands/command.ts'
import { migrateCommand, verifyCommand } from './commands/database-commands.ts'
import { messagesCommand } from './commands/message-commands.ts'
import { ordersCommand } from './commands/order-commands.ts'
import { createKeyCommand, createUserCommand, creditCommand } from './commands/people-commands.ts'
import { exchangeRateCommand, refreshPricesCommand } from './commands/price-commands.ts'
import {
  changeProviderCommand,
  pauseProviderCommand,
  resumeProviderCommand,
} from './commands/provider-change-commands.ts'
import {
  addProviderCommand,
  importServicesCommand,
  providersCommand,
  recordTopupCommand,
} from './commands/provider-commands.ts'
import { deadLettersCommand, queuesCommand } from './commands/queue-commands.ts'
import { settingsCommand } from './commands/settings-commands.ts'
import { quarantineCommand, setSourceCommand, sourcesCommand } from './commands/source-commands.ts'
import { takeOverCommand } from './commands/take-over-command.ts'
import { usersCommand } from './commands/users-command.ts'
import { webhooksCommand } from './commands/webhook-commands.ts'

/** Every command besides the roles, by name. */
const COMMANDS: Readonly<Record<string, Command>> = {
  migrate: migrateCommand,
  verify: verifyCommand,
  audit: auditCommand,
  'create-user': createUserCommand,
  'create-key': createKeyCommand,
  users: usersCommand,
  credit: creditCommand,
  'adjust-balance': adjustBalanceCommand,
  'add-provider': addProviderCommand,
  'change-provider': changeProviderCommand,
  'pause-provider': pauseProviderCommand,
  'resume-provider': resumeProviderCommand,
  'import-services': importServicesCommand,
  'refresh-prices': refreshPricesCommand,
  'exchange-rate': exchangeRateCommand,
  sources: sourcesCommand,
  'set-source': setSourceCommand,
  quarantine: quarantineCommand,
  providers: providersCommand,
  'record-topup': recordTopupCommand,
  'take-over': takeOverCommand,
  orders: ordersCommand,
  messages: messagesCommand,
  webhooks: webhooksCommand,
  alerts: alertsCommand,
  settings: settingsCommand,
  queues: queuesCommand,
  'dead-letters': deadLettersCommand,
}

/** Whether `saldo <name>` is a command. */
export function isCommand(name: string): boolean {
  return Object.hasOwn(COMMANDS, name)
}

/** Runs a command and answers its exit code: 2 with the command's usage when its arguments make no sense, 1 with the reason when it is refused. */
export async function runCommand(name: string, args: string[], readSettings: () => Config): Promise<number> {
  const command = COMMANDS[name] as Command
  const usage = `saldo ${name} ${command.arguments}`.trimEnd()
  if (args.includes('--help') || args.includes('-h')) {
    const details = command.details?.map((line) => `  ${line}`.trimEnd()) ?? []
    process.stdout.write(
      `${[command.summary, '', `  ${usage}`, ...(details.length > 0 ? ['', ...details] : [])].join('\n')}\n`,
    )
    return 0
  }
  try {
    return await command.run(args, readSettings())
  } catch (error) {
    if (error instanceof UsageError) {
      say(`${error.message}\n\n  ${usage}`)
      return 2
    }
    // What a door would answer is told here too: nothing of ours is wrong.
    if (!(error instanceof ProblemError)) throw error
    const fields = error.errors.map(({ field, reason }) => `${field}: ${reason}`)
    say(`${error.title}. ${fields.join('; ') || (error.detail ?? '')}`.trimEnd())
    return 1
  }
}

/** What `saldo --help` prints. */
export function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const line = (name: string, text: string) => `  ${name.padEnd(width)}  ${text}`
  return [
    'Usage: npm run saldo -- <command> [arguments]     (npm start runs "all")',
    '',
    'Processes, until stopped:',
    line('all', 'API, worker and scheduler in one; with nothing configured a sandbox'),
    line('api', 'the doors'),
    line('worker', 'dispatches and follows orders, seals the ledger, runs jobs'),
    line('scheduler', 'the timetable'),
    '',
    'Commands (--help after one shows its arguments):',
    ...Object.entries(COMMANDS).map(([name, command]) => line(name, command.summary)),
    '',
    'What must be known at the start comes from the environment: DATABASE_URL, PORT, SALDO_HOME, SALDO_MODE, SALDO_SECRET_KEY …',
    'What may change while it runs: "settings".',
    '',
  ].join('\n')
}
