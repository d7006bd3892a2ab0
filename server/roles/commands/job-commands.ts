import { recordActs } from '#server/domains/audit/record-acts.ts'
import { dropDeadLetters, listDeadLetters, replayDeadLetters } from '#server/platform/jobs/dead-letters.ts'
import { type Command, commandActor, print, readArguments, readId, UsageError, withSaldo } from './command.ts'

const IDS_MAX = 500

/** `saldo dead-letters …` */
export const deadLettersCommand: Command = {
  arguments: 'list | replay <id>… | drop <id>…',
  summary: 'Jobs and events that were given up',
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    const { positionals } = readArguments(rest, [], {
      min: verb === 'list' ? 0 : 1,
      max: verb === 'list' ? 0 : IDS_MAX,
    })
    const ids = positionals.map((text) => readId(text, 'Each dead letter'))
    return withSaldo(config, async ({ app }) => {
      if (verb === 'list') {
        const letters = await listDeadLetters(app.db)
        for (const { id, kind, name, attempts, error } of letters)
          print(`${id}  ${kind}  ${name}  ${attempts} attempts  ${error}`)
        if (letters.length === 0) print('There are no dead letters.')
        return 0
      }
      if (verb !== 'replay' && verb !== 'drop') throw new UsageError('dead-letters: expected list, replay or drop.')
      const done = await app.db.transaction(async (tx) => {
        const settled = verb === 'replay' ? await replayDeadLetters(tx, ids) : await dropDeadLetters(tx, ids)
        const action = verb === 'replay' ? 'dead_letters.replayed' : 'dead_letters.dropped'
        const actor = commandActor(`dead-letters ${verb}`)
        recordActs(
          tx,
          settled.map((id) => ({ action, actor, subject: { kind: 'dead_letter', id } })),
        )
        return settled
      })
      print(`${verb === 'replay' ? 'Replayed' : 'Dropped'}: ${done.join(', ') || 'none'}`)
      return done.length === ids.length ? 0 : 1
    })
  },
}
