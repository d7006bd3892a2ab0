/** What can go wrong with a receiver of webhooks. `to` keeps a fault to the hooks whose name has it within. In all of them the request was read, and is recorded. */
export const RECEIVER_FAULTS = {
  hang: 'no answer ever',
  slow: 'answers after `ms` (1000)',
  http: '`code` (500) with HTML',
  rate_limit: '429 with `Retry-After` of `ms` (1000), in whole seconds',
  gone: '410: nothing more is wanted',
  redirect: '302 to `text`, an address that is not public by default',
  cut_after: 'the connection is cut without an answer',
  huge: '200, and a body without an end',
} as const

export type ReceiverFault = keyof typeof RECEIVER_FAULTS
export const RECEIVER_FAULT_NAMES = Object.keys(RECEIVER_FAULTS) as ReceiverFault[]
