import { type Answer, messageOf } from '#server/domains/providers/line.ts'
import { ProviderReadError } from '#server/domains/providers/provider.ts'
import { fieldsOf, readJson } from './json.ts'
import { classifyRefusal, refusalOf } from './refusals.ts'

/** An answer that came, of whatever status. */
export type ReadAnswer = Answer & { answered: true }

/** The answer to a read; throws ProviderReadError when none came. */
export function answered(answer: Answer): ReadAnswer {
  if (answer.answered) return answer
  const timeout = answer.failure === 'timeout'
  const reason = timeout ? 'timeout' : answer.failure === 'too_large' ? 'unreadable_answer' : 'unreachable'
  throw new ProviderReadError(reason, messageOf(answer))
}

/** Why an answer to a read is no good: what the panel says about it, else what its status says. */
export function readFailure(answer: ReadAnswer): ProviderReadError {
  const fields = fieldsOf(readJson(answer.body))
  const refusal = fields && refusalOf(fields)
  const code = refusal === undefined ? undefined : classifyRefusal(refusal)
  if (answer.status === 429 || code === 'rate_limited') {
    return new ProviderReadError('rate_limited', refusal ?? 'too many requests')
  }
  if (refusal !== undefined && code === 'invalid_key') return new ProviderReadError('invalid_key', refusal)
  if (answer.status >= 500)
    return new ProviderReadError('server_error', `HTTP ${answer.status}: ${refusal ?? 'no error named'}`)
  if (refusal !== undefined) return new ProviderReadError('refused', refusal)
  return new ProviderReadError('unreadable_answer', `HTTP ${answer.status} without a readable answer`)
}
