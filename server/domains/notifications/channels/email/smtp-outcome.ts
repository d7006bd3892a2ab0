import type { SendOutcome } from '../../messages/message.ts'

/** A failure as the mail library reports it. */
interface SmtpError {
  code?: string
  /** The SMTP reply, where one came. */
  responseCode?: number
  response?: string
  /** What was under way: MAIL FROM, RCPT TO, DATA, AUTH, CONN. */
  command?: string
  message: string
}

/**
 * What a failed sending means. A reply decides: 5xx refuses for good, 4xx for the moment. Without one, the mail was not taken as long as no connection had it; after
 * that (`handed_over`) it may have been, for how far the library had come is not told.
 */
export function smtpOutcome(error: unknown, handed_over: boolean): SendOutcome {
  const { code = 'unknown', responseCode, response, command = '', message } = error as SmtpError
  const reply = response ?? message
  const rejected = { outcome: 'rejected', reply } as const
  if (code === 'EAUTH' || command.startsWith('AUTH')) {
    return { ...rejected, lasting: false, house: true, reason: 'sign_in_refused' }
  }
  if (responseCode !== undefined) {
    // Who refuses our sender or the connection refuses the house, not this recipient.
    const house = command !== 'RCPT TO' && command !== 'DATA'
    if (responseCode >= 500 && !house) return { ...rejected, lasting: true, reason: `refused:${responseCode}` }
    return { ...rejected, lasting: false, house, reason: `refused:${responseCode}` }
  }
  if (handed_over) return { outcome: 'unknown', reason: code === 'ETIMEDOUT' ? 'timeout' : 'connection_lost', reply }
  // The library would not even begin: no try makes another address of it.
  if (code === 'EENVELOPE') return { ...rejected, lasting: true, reason: 'bad_address' }
  return { ...rejected, lasting: false, house: true, reason: code === 'ETIMEDOUT' ? 'timeout' : 'no_connection' }
}
