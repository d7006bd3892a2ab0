import { type RecordedAct, searchActs } from '#server/domains/audit/search-acts.ts'
import { actFilter, actQuery } from '#server/domains/operations/audit/act-query.ts'
import { fieldErrors } from '#server/platform/http/validation.ts'
import { type Command, print, readArguments, UsageError, withSaldo } from './command.ts'

const LIMIT_DEFAULT = 50n
const LIMIT_MAX = 1_000n

const CONDITIONS = Object.keys(actQuery.shape)

/** `saldo audit search` */
export const auditCommand: Command = {
  arguments:
    'search [--user 7] [--actor user|system|command] [--key 12] [--action "users.*"] [--subject user:17] [--ip 192.0.2.0/24] [--request …] [--reason "words"] [--from 2026-11-01T00:00:00Z] [--to …] [--limit 50]',
  summary: 'Look back on who did what to what, newest first',
  run: (args, config) => {
    const [verb, ...rest] = args
    if (verb !== 'search') throw new UsageError('audit: expected search.')
    const { options } = readArguments(rest, [...CONDITIONS, 'limit'], { min: 0, max: 0 })
    const { limit = String(LIMIT_DEFAULT), ...conditions } = options
    if (!/^\d{1,4}$/.test(limit) || BigInt(limit) < 1n || BigInt(limit) > LIMIT_MAX) {
      throw new UsageError(`--limit is 1 to ${LIMIT_MAX}.`)
    }
    const parsed = actQuery.safeParse(conditions)
    if (!parsed.success) {
      const [first] = fieldErrors(parsed.error, 'search')
      throw new UsageError(`--${first?.field} ${first?.reason}.`)
    }
    return withSaldo(config, async ({ app }) => {
      const { acts, has_more } = await searchActs(app.db, actFilter(parsed.data), { limit: Number(limit) })
      for (const act of acts) print(lineOf(act))
      if (acts.length === 0) print('Nothing is found.')
      if (has_more) print(`There is more: --to ${acts.at(-1)?.at}, or a higher --limit.`)
      return 0
    })
  },
}

function lineOf(act: RecordedAct): string {
  const subject = act.subject_kind === null ? '' : `${act.subject_kind}:${act.subject_id}`
  const values = [act.before, act.after].map((side) => (side === null ? '' : JSON.stringify(side)))
  const change = values.some((side) => side !== '') ? values.join(' → ') : ''
  const from = [act.ip, act.request_id, act.user_agent].filter((each) => each !== null).join(' ')
  const actor = act.user_id === null ? act.actor_kind : `user:${act.user_id}`
  const cells = [act.at, act.action, actor, subject, change.trim(), act.reason ?? '', from && `[${from}]`]
  // One act a line, whatever stands in it.
  return cells
    .filter((cell) => cell !== '')
    .join('  ')
    .replaceAll(/\p{Cc}/gu, ' ')
}
