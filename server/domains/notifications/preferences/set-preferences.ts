import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { BadPreferenceError } from '../messages/errors.ts'
import { KIND_NAMES, KINDS, type Kind } from '../texts/kinds.ts'
import { type Channel, choicesFor, type Frequency, TOPICS, type Topic } from '../texts/topics.ts'

/** One choice. */
export interface Choice {
  topic: Topic
  channel: Channel
  frequency: Frequency
}

/** How a user wants to be told; what is left out stays. `quiet` null: no quiet hours. */
export interface PreferenceChange {
  choices?: readonly Choice[]
  quiet?: { from: number; to: number } | null
}

const SET_CHOICES = statement(`
  insert into notifications.preference (user_id, topic, channel, frequency)
  select $1, * from unnest($2::text[], $3::text[], $4::text[]) as new (topic, channel, frequency)
  on conflict (user_id, topic, channel) do update set frequency = excluded.frequency`)

// What has come together so far is told by the new choice: soon, or, where it was switched off, never.
const TELL_SOON = statement(`
  update notifications.gathering g
  set due_at = case when new.frequency = 'never' then null else $5::timestamptz end,
    tallies = case when new.frequency = 'never' then '{}'::json else g.tallies end
  from unnest($2::text[], $3::text[], $4::text[]) as new (kind, channel, frequency)
  where g.user_id = $1 and g.kind = new.kind and g.channel = new.channel and g.due_at is not null`)

const SET_QUIET = statement(`
  insert into notifications.quiet_hours (user_id, begins, ends) values ($1, $2, $3)
  on conflict (user_id) do update set begins = excluded.begins, ends = excluded.ends`)

const NO_QUIET = statement('delete from notifications.quiet_hours where user_id = $1')

/** Changes how a user wants to be told. Throws BadPreferenceError for what cannot be chosen. */
export async function setPreferences(
  tx: Tx,
  user_id: bigint,
  change: PreferenceChange,
  by: { now: Date; actor: Actor },
): Promise<void> {
  const { choices = [], quiet } = change
  choices.forEach(refuseImpossible)
  if (quiet && quiet.from === quiet.to) throw new BadPreferenceError('quiet_hours.to', 'Another time than `from`.')
  if (choices.length > 0) await setChoices(tx, user_id, choices, by.now)
  if (quiet) await tx.query(SET_QUIET, [user_id, quiet.from, quiet.to])
  else if (quiet === null) await tx.query(NO_QUIET, [user_id])
  recordActs(tx, [
    {
      action: 'messages.preferences_changed',
      actor: by.actor,
      subject: { kind: 'user', id: user_id },
      after: { choices: choices.map((each) => ({ ...each })), quiet },
    },
  ])
}

async function setChoices(tx: Tx, user_id: bigint, choices: readonly Choice[], now: Date): Promise<void> {
  await tx.query(SET_CHOICES, [
    user_id,
    textArray(choices.map((choice) => choice.topic)),
    textArray(choices.map((choice) => choice.channel)),
    textArray(choices.map((choice) => choice.frequency)),
  ])
  const gathered = choices.flatMap((choice) => kindsOf(choice.topic).map((kind) => ({ kind, ...choice })))
  await tx.query(TELL_SOON, [
    user_id,
    textArray(gathered.map((each) => each.kind)),
    textArray(gathered.map((each) => each.channel)),
    textArray(gathered.map((each) => each.frequency)),
    now,
  ])
}

function kindsOf(topic: Topic): Kind[] {
  return TOPICS[topic].gathers ? KIND_NAMES.filter((kind) => KINDS[kind].topic === topic) : []
}

function refuseImpossible({ topic, channel, frequency }: Choice, i: number): void {
  const choices = choicesFor(topic, channel)
  if (choices.includes(frequency)) return
  const field = `choices.${i}.frequency`
  throw new BadPreferenceError(field, `For ${topic} by ${channel} there is: ${choices.join(', ')}.`)
}
