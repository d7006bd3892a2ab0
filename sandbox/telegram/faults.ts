/** What can go wrong with the Bot API. `to` keeps a fault to one chat. */
export const TELEGRAM_FAULTS = {
  rate_limit: '429 with `retry_after` of `ms` (1000), in whole seconds; nothing is done',
  blocked: '403 "bot was blocked by the user", for sendMessage',
  http_5xx: '`code` (502) with HTML; nothing is done',
  hang: 'no answer ever; nothing is done',
  cut_after: 'sends the message, then cuts the connection without an answer',
  hang_after: 'sends the message and never answers',
  duplicate_update: 'getUpdates gives an update again that was confirmed',
} as const

export type TelegramFault = keyof typeof TELEGRAM_FAULTS
export const TELEGRAM_FAULT_NAMES = Object.keys(TELEGRAM_FAULTS) as TelegramFault[]
