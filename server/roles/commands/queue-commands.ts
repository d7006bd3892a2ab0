import { letterView, openLetterView } from '#server/domains/operations/queues/letter-views.ts'
import { queueViews } from '#server/domains/operations/queues/queue-views.ts'
import { settleDeadLetters, settleMatchingDeadLetters } from '#server/domains/operations/queues/settle-dead-letters.ts'
import type { Config } from '#server/platform/config/config.ts'
import {
  DEAD_LETTERS_MAX,
  type DeadLetter,
  type DeadLetterFilter,
  findDeadLetter,
  LETTER_KINDS,
  LETTER_STATES,
  listDeadLetters,
} from '#server/platform/jobs/dead-letters.ts'
import { reportQueues } from '#server/platform/queues/queue.ts'
import { QUEUE_REPORTERS } from '../queue-reporters.ts'
import {
  type Command,
  commandActor,
  type Options,
  print,
  readArguments,
  readId,
  UsageError,
  withSaldo,
} from './command.ts'

/** `saldo queues` */
export const queuesCommand: Command = {
  arguments: '',
  summary: 'How full the queues are, and how long the oldest has waited',
  details: [
    'ready    a worker may take them now, and for how long the oldest has waited',
    'later    their time has not come',
    'running  a worker has them',
    'stuck    they wait for a person: "saldo orders waiting", "saldo dead-letters list"',
  ],
  run: (args, config) => {
    readArguments(args, [], { min: 0, max: 0 })
    return withSaldo(config, async ({ app }) => {
      const rows = queueViews(await reportQueues(app.db, QUEUE_REPORTERS), app.clock.now()).map((each) => [
        `${each.queue} ${each.kind}`,
        `ready ${each.ready}${each.oldest_ready_seconds === null ? '' : ` (${each.oldest_ready_seconds.toFixed(0)} s)`}`,
        `later ${each.later}`,
        `running ${each.running}`,
        `stuck ${each.stuck}`,
      ])
      const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? []
      for (const row of rows)
        print(
          row
            .map((text, i) => text.padEnd(widths[i] ?? 0))
            .join('  ')
            .trimEnd(),
        )
      return 0
    })
  },
}

const FILTERS = ['kind', 'name', 'error', 'since', 'until']
const LISTED_MAX = 100

/** `saldo dead-letters …` */
export const deadLettersCommand: Command = {
  arguments: 'list | show <id> | replay <id>… | drop <id>… --reason "…"',
  summary: 'Jobs and events that were given up: look at them, replay them, drop them',
  details: [
    'list [--state waiting|replayed|dropped] [--before <id>]   newest first; those that wait without --state',
    'show <id>                                                 with what is in it; secrets masked',
    'replay <id>…  [--reason "why"]                            back into the queue, with all tries',
    'drop <id>…  --reason "why"                                given up for good',
    '',
    'Instead of numbers, list, replay and drop take conditions, all of which must hold:',
    '--kind job|event  --name webhooks.deliver  --error "part of it"  --since 2026-01-31T12:00:00Z  --until …',
    `--limit 100   of replay and drop: no more than so many, oldest first; ${DEAD_LETTERS_MAX} without it`,
  ],
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    if (verb === 'list') return list(rest, config)
    if (verb === 'show') return show(rest, config)
    if (verb === 'replay' || verb === 'drop') return settle(verb, rest, config)
    throw new UsageError(`dead-letters: expected list, show, replay or drop, not "${verb}".`)
  },
}

function list(args: string[], config: Config): Promise<number> {
  const { options } = readArguments(args, [...FILTERS, 'state', 'before'], { min: 0, max: 0 })
  const state = oneOf(LETTER_STATES, options.state, 'state') ?? 'waiting'
  const before = options.before === undefined ? undefined : readId(options.before, '--before')
  const filter = readFilter(options)
  return withSaldo(config, async ({ app }) => {
    const letters = await listDeadLetters(app.db, { ...filter, state, before, limit: LISTED_MAX })
    for (const letter of letters) print(line(letter))
    if (letters.length === LISTED_MAX) print(`More: --before ${letters.at(-1)?.id}`)
    if (letters.length === 0) print('There are no such dead letters.')
    return 0
  })
}

function line(letter: DeadLetter): string {
  const { id, kind, name, subject, attempts, error, last_at, settled_by, settled_reason } = letterView(letter)
  const settled = settled_by ? `  ${letter.state} by ${settled_by}: ${settled_reason ?? ''}` : ''
  const about = subject === '' ? name : `${name} ${subject}`
  return `${id}  ${last_at}  ${kind}  ${about}  ${attempts} attempts  ${error}${settled}`
}

function show(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: 1 })
  const id = readId(positionals[0], 'The dead letter')
  return withSaldo(config, async ({ app }) => {
    const letter = await findDeadLetter(app.db, id)
    if (!letter) throw new UsageError(`There is no dead letter ${id}.`)
    print(JSON.stringify(openLetterView(letter), null, 2))
    return 0
  })
}

function settle(how: 'replay' | 'drop', args: string[], config: Config): Promise<number> {
  const names = [...FILTERS, 'reason', 'limit']
  const { options, positionals } = readArguments(args, names, { min: 0, max: DEAD_LETTERS_MAX })
  const { reason } = options
  if (how === 'drop' && !reason?.trim()) throw new UsageError('--reason is missing: why they are given up for good.')
  const ids = positionals.map((text) => readId(text, 'Each dead letter'))
  const filter = readFilter(options)
  const filtered = FILTERS.some((name) => options[name] !== undefined)
  if (filtered === ids.length > 0) throw new UsageError(`${how}: name either numbers or conditions.`)
  const limit = readLimit(options.limit)
  const settlement = { how, actor: commandActor(`dead-letters ${how}`), reason }
  return withSaldo(config, async ({ app }) => {
    const { settled, has_more } = filtered
      ? await settleMatchingDeadLetters(app, filter, limit, settlement)
      : { settled: await settleDeadLetters(app, ids, settlement), has_more: false }
    const done = settled.map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1))
    print(`${how === 'replay' ? 'Replayed' : 'Dropped'}: ${done.join(', ') || 'none'}`)
    if (has_more) print('More of them wait: give the command again.')
    return filtered || done.length === new Set(ids).size ? 0 : 1
  })
}

function readFilter({ kind, name, error, since, until }: Options): DeadLetterFilter {
  return {
    kind: oneOf(LETTER_KINDS, kind, 'kind'),
    name,
    error,
    since: readMoment(since, 'since'),
    until: readMoment(until, 'until'),
  }
}

function oneOf<T extends string>(values: readonly T[], text: string | undefined, name: string): T | undefined {
  if (text === undefined) return undefined
  const value = values.find((each) => each === text)
  if (value === undefined) throw new UsageError(`--${name} is one of ${values.join(', ')}.`)
  return value
}

function readMoment(text: string | undefined, name: string): Date | undefined {
  if (text === undefined) return undefined
  const moment = new Date(text)
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(moment.getTime())) {
    throw new UsageError(`--${name} is a moment such as 2026-01-31T12:00:00Z.`)
  }
  return moment
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return DEAD_LETTERS_MAX
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > DEAD_LETTERS_MAX) throw new UsageError(`--limit is a number from 1 to ${DEAD_LETTERS_MAX}.`)
  return limit
}
