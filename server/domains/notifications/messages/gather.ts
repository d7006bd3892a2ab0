import { encodeJson } from '#server/kit/json.ts'
import { dateArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { readRecipients } from '../preferences/read-recipients.ts'
import { frequencyOf } from '../preferences/recipient.ts'
import { KINDS } from '../texts/kinds.ts'
import { CHANNELS, type Channel, type Frequency } from '../texts/topics.ts'
import { dueAt, type GatheredKind, type Gathering, NO_TALLIES, sumOf, type Tallies } from './gathering.ts'

/** What happened to orders of one user. */
export interface Occasions {
  user_id: bigint
  kind: GatheredKind
  tallies: Tallies
}

const ENSURE = statement(`
  insert into notifications.gathering (user_id, kind, channel)
  select * from unnest($1::bigint[], $2::text[], $3::text[]) as wanted (user_id, kind, channel) order by 1, 2, 3
  on conflict (user_id, kind, channel) do nothing`)

// Sorted, so that two publishers who gather for the same users wait for each other and do not deadlock.
const LOCK = statement(`
  select g.user_id, g.kind, g.channel, g.tallies, g.due_at, g.told_at, g.streak, g.round
  from notifications.gathering g
  join unnest($1::bigint[], $2::text[], $3::text[]) as wanted (user_id, kind, channel) using (user_id, kind, channel)
  order by g.user_id, g.kind, g.channel for update of g`)

const UPDATE = statement(`
  update notifications.gathering g set tallies = new.tallies, due_at = new.due_at
  from unnest($1::bigint[], $2::text[], $3::text[], $4::json[], $5::timestamptz[]) as new (user_id, kind, channel, tallies, due_at)
  where g.user_id = new.user_id and g.kind = new.kind and g.channel = new.channel`)

interface Wanted {
  user_id: bigint
  kind: GatheredKind
  channel: Channel
  frequency: Exclude<Frequency, 'never'>
}

/**
 * Adds occasions to what is gathered for their users, over each channel that the user wants for them, as part of the transaction: five hundred make one message.
 * Who is no user is passed over.
 */
export async function gather(tx: Tx, now: Date, occasions: readonly Occasions[]): Promise<void> {
  const sums = new Map<string, Occasions>()
  for (const each of occasions) {
    const key = `${each.user_id}:${each.kind}`
    sums.set(key, { ...each, tallies: sumOf(sums.get(key)?.tallies ?? NO_TALLIES, each.tallies) })
  }
  const recipients = await readRecipients(
    tx,
    occasions.map((each) => each.user_id),
  )
  const wanted: Wanted[] = []
  for (const { user_id, kind } of sums.values()) {
    const recipient = recipients.get(user_id)
    if (!recipient) continue
    for (const channel of CHANNELS) {
      const frequency = frequencyOf(recipient, KINDS[kind].topic, channel)
      if (frequency !== 'never') wanted.push({ user_id, kind, channel, frequency })
    }
  }
  if (wanted.length === 0) return
  tx.send(ENSURE, columnsOf(wanted))
  const standing = await tx.query<Gathering>(LOCK, columnsOf(wanted))
  const frequencies = new Map(wanted.map((each) => [nameOf(each), each.frequency]))
  const after = standing.map((row) => {
    const more = sums.get(`${row.user_id}:${row.kind}`)?.tallies ?? NO_TALLIES
    const recipient = recipients.get(row.user_id)
    const frequency = frequencies.get(nameOf(row))
    const due_at = row.due_at ?? (recipient && frequency ? dueAt(row, frequency, recipient, now) : null)
    return { ...row, tallies: sumOf({ ...NO_TALLIES, ...row.tallies }, more), due_at }
  })
  tx.send(UPDATE, [
    ...columnsOf(after),
    textArray(after.map((row) => encodeJson(row.tallies))),
    dateArray(after.map((row) => row.due_at)),
  ])
}

function nameOf({ user_id, kind, channel }: Pick<Wanted, 'user_id' | 'kind' | 'channel'>): string {
  return `${user_id}:${kind}:${channel}`
}

function columnsOf(rows: readonly Pick<Wanted, 'user_id' | 'kind' | 'channel'>[]): string[] {
  return [
    plainArray(rows.map((row) => row.user_id)),
    textArray(rows.map((row) => row.kind)),
    textArray(rows.map((row) => row.channel)),
  ]
}
