import { type Answer, messageOf } from '#server/domains/providers/line.ts'
import type { CallOutcome, UnknownReason } from '#server/domains/providers/provider.ts'
import { classifyRefusal } from './refusals.ts'

/** Ways to end that are the same whatever was asked. */
type NotDone = Exclude<CallOutcome, { outcome: 'accepted' }>

/** What it means for something asked that no answer came: rejected where the request did not leave, else unknown. */
export function notAnswered(answer: Answer & { answered: false }): NotDone {
  const message = messageOf(answer)
  if (!answer.sent) return { outcome: 'rejected', code: 'not_sent', message }
  switch (answer.failure) {
    case 'timeout':
      return unknown('timeout', message)
    case 'too_large':
      return unknown('unreadable_answer', message)
    case 'aborted':
      return unknown('interrupted', message)
    default:
      return unknown('connection_lost', message)
  }
}

/** What a refusal proves: nothing was done; from 500 on only where the text is one we know, for a crashing panel may have done it before. */
export function refused(text: string, status: number): NotDone {
  const meant = classifyRefusal(text)
  const code = status === 429 && meant === 'other' ? 'rate_limited' : meant
  if (status >= 500 && code === 'other') return unknown('server_error', `HTTP ${status}: ${text}`)
  // A panel whose own upstream did not answer it in time knows no more than we do.
  if (code === 'other' && /time[ d-]*out/i.test(text)) return unknown('timeout', text)
  return { outcome: 'rejected', code, message: text }
}

/** It may or may not have been done. */
export function unknown(reason: UnknownReason, message: string): NotDone {
  return { outcome: 'unknown', reason, message }
}
