import type { Locale, UserState } from '#server/domains/identity/user.ts'
import { clockAt } from '#server/kit/time-zone.ts'
import { type Channel, type Frequency, TOPICS, type Topic, type TopicDefinition } from '../texts/topics.ts'

/** A user as someone to be told something. */
export interface Recipient {
  readonly user_id: bigint
  readonly email: string
  readonly locale: Locale
  readonly state: UserState
  /** IANA. */
  readonly time_zone: string
  /** Minutes of the day in that zone; null without quiet hours. */
  readonly quiet_from: number | null
  readonly quiet_to: number | null
  /** The chat that gets messages; null without one, or while it is switched off. */
  readonly chat_id: bigint | null
  /** Choices that are not the default: `topic:channel`. */
  readonly choices: Readonly<Record<string, Frequency>>
}

export const TIME_ZONE_DEFAULT = 'UTC'
const DAY_MINUTES = 1_440
const MINUTE_MS = 60_000

/** Daily messages come at nine in the morning where the user lives. */
const DAILY_AT_MINUTES = 540

/** How often this user is told of `topic` over `channel`. */
export function frequencyOf(recipient: Recipient, topic: Topic | undefined, channel: Channel): Frequency {
  if (channel === 'telegram' && recipient.chat_id === null) return 'never'
  if (topic === undefined) return 'instantly'
  const { fixed, defaults }: TopicDefinition = TOPICS[topic]
  if (fixed.includes(channel)) return 'instantly'
  return recipient.choices[`${topic}:${channel}`] ?? defaults[channel]
}

/** When the quiet hours in which `now` lies are over; undefined when it is not quiet. */
export function quietUntil(recipient: Recipient, now: Date): Date | undefined {
  const { quiet_from: from, quiet_to: to, time_zone } = recipient
  if (from === null || to === null) return undefined
  const minute = minuteOfDay(now, time_zone)
  const quiet = from < to ? minute >= from && minute < to : minute >= from || minute < to
  return quiet ? nextAt(now, time_zone, to) : undefined
}

/** The next nine o'clock of this user. */
export function nextDaily(recipient: Recipient, now: Date): Date {
  return nextAt(now, recipient.time_zone, DAILY_AT_MINUTES)
}

/** The next time that the clocks of a zone show a minute of the day. On a day on which they are put forward or back it may be that much off. */
function nextAt(now: Date, time_zone: string, minute: number): Date {
  const wait = (minute - minuteOfDay(now, time_zone) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES
  const whole = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS
  return new Date(whole + wait * MINUTE_MS)
}

/** Minutes since midnight on the clocks of a zone. */
function minuteOfDay(now: Date, time_zone: string): number {
  const { hour, minute } = clockAt(now, time_zone)
  return hour * 60 + minute
}
