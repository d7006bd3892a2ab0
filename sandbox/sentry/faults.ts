/** What can go wrong with taking an envelope. */
export const SENTRY_FAULTS = {
  delay: 'answers after `ms` (3000)',
  rate_limit: '429 with Retry-After of `ms` (60000), in seconds; nothing is taken',
  http_5xx: '`code` (503) with HTML; nothing is taken',
  nonsense: '200 with a long body that means nothing; nothing is taken',
  hang: 'no answer ever; nothing is taken',
  cut: 'the connection is cut without an answer; nothing is taken',
} as const

export type SentryFault = keyof typeof SENTRY_FAULTS
export const SENTRY_FAULT_NAMES = Object.keys(SENTRY_FAULTS) as SentryFault[]
