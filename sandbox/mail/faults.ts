/** What can go wrong with mail, in the order in which it is looked for. */
export const MAIL_FAULTS = {
  refuse_connection: 'greets with `code` (421) and ends',
  refuse_rcpt: 'answers RCPT with `code` (550): a mailbox that is not there; 450 is greylisting',
  hang_rcpt: 'never answers RCPT',
  cut_data: 'cuts the connection in the middle of the text; the mail is not taken',
  refuse_data: 'reads the text and answers with `code` (554); the mail is not taken',
  slow: 'takes the mail at once and answers after `ms` (1000)',
  cut_after: 'takes the mail, then cuts the connection without an answer',
  hang_after: 'takes the mail and never answers',
} as const

export type MailFault = keyof typeof MAIL_FAULTS
export const MAIL_FAULT_NAMES = Object.keys(MAIL_FAULTS) as MailFault[]
