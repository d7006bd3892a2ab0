import { userInfo } from 'node:os'
import { parseArgs } from 'node:util'
import type { Actor } from '#server/domains/audit/act.ts'
import type { Config } from '#server/platform/config/config.ts'
import { migrateAll, openSaldo, reachDatabase, type Saldo } from '../open-saldo.ts'

/** One command of `saldo`. */
export interface Command {
  /** What comes after the name: `<email> [--role customer]`. */
  arguments: string
  /** One line for the list of commands. */
  summary: string
  /** Lines that --help shows below, where one line of arguments does not say enough. */
  details?: readonly string[]
  /** Answers the exit code. */
  run(args: string[], config: Config): Promise<number>
}

/** The command line is not as the command expects; the message says what is wrong. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** Text options by name. */
export type Options = Record<string, string | undefined>

/** Reads `--name value` options and positional arguments. Throws UsageError for an option that is not among `names` or a wrong count. */
export function readArguments(
  args: string[],
  names: readonly string[],
  count: { min: number; max: number },
): { options: Options; positionals: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    })
    if (positionals.length < count.min) throw new UsageError('Something is missing; see below.')
    if (positionals.length > count.max) throw new UsageError(`"${positionals[count.max]}" is too much; see below.`)
    return { options: values as Options, positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A row's number as people type it. Throws UsageError. */
export function readId(text: string | undefined, what: string): bigint {
  if (text === undefined || !/^[1-9]\d{0,17}$/.test(text)) throw new UsageError(`${what} must be a number such as 17.`)
  return BigInt(text)
}

/** `yes` or `no` of an option called `name`; undefined where it is not given. Throws UsageError. */
export function readYesNo(options: Options, name: string): boolean | undefined {
  const text = options[name]
  if (text !== undefined && text !== 'yes' && text !== 'no') throw new UsageError(`--${name} is yes or no.`)
  return text === undefined ? undefined : text === 'yes'
}

/** Runs `work` on the house's database, with everything open and closed again; our own PostgreSQL is started when none runs. */
export async function withSaldo<T>(config: Config, work: (saldo: Saldo) => Promise<T>): Promise<T> {
  const database = await reachDatabase(config, say)
  try {
    if (!config.database_url) await migrateAll(database.url, say)
    // Commands speak to a person; a log between their lines would only disturb.
    const saldo = await openSaldo({ ...config, log_level: 'warn' }, database.url, 'saldo-command')
    try {
      return await work(saldo)
    } finally {
      await saldo.close()
    }
  } finally {
    await database.stop()
  }
}

/** Who gives this command, for the audit: whoever sits at the terminal. */
export function commandActor(name: string): Actor {
  return { kind: 'command', user_agent: `saldo ${name}, as ${systemUser()}` }
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run as a user without a name.
    return `user ${process.getuid?.()}`
  }
}

/** One line for the person at the terminal, apart from the command's result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** The command's result, one line. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
