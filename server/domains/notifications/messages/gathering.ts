import { nextDaily, type Recipient } from '../preferences/recipient.ts'
import type { Data, Kind } from '../texts/kinds.ts'
import type { Channel, Frequency } from '../texts/topics.ts'

/** Kinds whose occasions come together in one message. */
export type GatheredKind = Extract<Kind, 'orders_completed' | 'orders_returned'>

/** How many of each sort came together, and the first few by name. */
export interface Tallies {
  count: number
  partial: number
  cancelled: number
  first: string[]
}

export const NO_TALLIES: Tallies = { count: 0, partial: 0, cancelled: 0, first: [] }

/** Something that happened to orders of one user. */
export interface Occasion {
  user_id: bigint
  kind: GatheredKind
  tallies: Tallies
}

/** What came together for a user, a kind and a channel. */
export interface Gathering {
  user_id: bigint
  kind: GatheredKind
  channel: Channel
  tallies: Tallies
  due_at: Date | null
  told_at: Date | null
  streak: number
  round: bigint
}

/** More names would make a list of a message. */
const NAMES_MAX = 10

const HOUR_MS = 3_600_000

/** The first occasion waits so long for others: a burst ends in it, and a person does not notice. */
const WINDOW_MS = 5_000

/** Whoever gets many messages in a row gets them further apart. */
const WINDOW_MAX_MS = 900_000

/** After so long without a message the next is told as promptly as the first. */
const CALM_MS = 3_600_000

/** Both together. */
export function sumOf(a: Tallies, b: Tallies): Tallies {
  return {
    count: a.count + b.count,
    partial: a.partial + b.partial,
    cancelled: a.cancelled + b.cancelled,
    first: [...a.first, ...b.first].slice(0, NAMES_MAX),
  }
}

/** One of each user and kind, the tallies of all together; for the rest like the first. */
export function summed<O extends Occasion>(occasions: readonly O[]): O[] {
  const sums = new Map<string, O>()
  for (const each of occasions) {
    const key = `${each.user_id}:${each.kind}`
    const first = sums.get(key)
    sums.set(key, first ? { ...first, tallies: sumOf(first.tallies, each.tallies) } : each)
  }
  return [...sums.values()]
}

/** When what is gathered from now on is told: soon, but the more often the later; an hour after the last one; or at the user's next nine o'clock. */
export function dueAt(
  gathering: Pick<Gathering, 'told_at' | 'streak'>,
  frequency: Exclude<Frequency, 'never'>,
  recipient: Recipient,
  now: Date,
): Date {
  if (frequency === 'daily') return nextDaily(recipient, now)
  const window = WINDOW_MS * 2 ** Math.min(streakAt(gathering, now), 20)
  const soon = now.getTime() + Math.min(window, WINDOW_MAX_MS)
  const last = gathering.told_at?.getTime() ?? 0
  return new Date(frequency === 'hourly' ? Math.max(now.getTime() + WINDOW_MS, last + HOUR_MS) : soon)
}

/** How many messages were told in quick succession up to now. */
export function streakAt({ told_at, streak }: Pick<Gathering, 'told_at' | 'streak'>, now: Date): number {
  return told_at !== null && now.getTime() - told_at.getTime() < CALM_MS ? streak : 0
}

/** What the message says. */
export function dataOf({ kind, tallies }: Pick<Gathering, 'kind' | 'tallies'>): Data {
  const { count, partial, cancelled, first } = tallies
  const orders = { first, more: count - first.length }
  return kind === 'orders_completed' ? { count, orders } : { count, partial, cancelled, orders }
}
