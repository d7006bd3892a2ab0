import { present } from '#server/kit/invariant.ts'
import { encodeJson } from '#server/kit/json.ts'
import type { App } from '#server/platform/app.ts'
import { dateArray, plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { readRecipients } from '../preferences/read-recipients.ts'
import { frequencyOf, type Recipient } from '../preferences/recipient.ts'
import { KINDS } from '../texts/kinds.ts'
import { CHANNELS, type Channel, type Frequency } from '../texts/topics.ts'
import { dueAt, type Gathering, NO_TALLIES, type Occasion, summed, sumOf } from './gathering.ts'

/** Occasions of one transaction, which holds what their users have gathered. */
const BATCH = 2_000

const TAKE = statement(`
  with taken as (
    select id from notifications.occasion order by id limit $1 for update skip locked
  ),
  gone as (
    delete from notifications.occasion o using taken where o.id = taken.id returning o.id, o.user_id, o.kind, o.tallies, o.at
  )
  select user_id, kind, tallies, at from gone order by id`)

const ENSURE = statement(`
  insert into notifications.gathering (user_id, kind, channel)
  select * from unnest($1::bigint[], $2::text[], $3::text[]) as wanted (user_id, kind, channel) order by 1, 2, 3
  on conflict (user_id, kind, channel) do nothing`)

// Sorted, so that two workers who gather for the same users wait for each other and do not deadlock.
const LOCK = statement(`
  select g.user_id, g.kind, g.channel, g.tallies, g.due_at, g.told_at, g.streak, g.round
  from notifications.gathering g
  join unnest($1::bigint[], $2::text[], $3::text[]) as wanted (user_id, kind, channel) using (user_id, kind, channel)
  order by g.user_id, g.kind, g.channel for update of g`)

const UPDATE = statement(`
  update notifications.gathering g set tallies = new.tallies, due_at = new.due_at
  from unnest($1::bigint[], $2::text[], $3::text[], $4::json[], $5::timestamptz[]) as new (user_id, kind, channel, tallies, due_at)
  where g.user_id = new.user_id and g.kind = new.kind and g.channel = new.channel`)

/** What came together since its first occasion. */
type Noted = Occasion & { at: Date }

/** A channel over which a user wants to be told of it. */
interface Wanted extends Noted {
  channel: Channel
  frequency: Exclude<Frequency, 'never'>
  recipient: Recipient
}

/**
 * Adds noted occasions to what is gathered for their users, over each channel that the user wants for them: five hundred make one message. True when there may be more.
 * Who is no user is passed over. Any number of workers may do so at once.
 */
export async function gatherOccasions(app: Pick<App, 'db'>): Promise<boolean> {
  return app.db.transaction(async (tx) => {
    const noted = await tx.query<Noted>(TAKE, [BATCH])
    await gather(tx, await wantedOf(tx, summed(noted)))
    return noted.length === BATCH
  })
}

async function wantedOf(tx: Tx, noted: readonly Noted[]): Promise<Wanted[]> {
  if (noted.length === 0) return []
  const recipients = await readRecipients(
    tx,
    noted.map((each) => each.user_id),
  )
  return noted.flatMap((each) => {
    const recipient = recipients.get(each.user_id)
    if (!recipient) return []
    return CHANNELS.flatMap((channel): Wanted[] => {
      const frequency = frequencyOf(recipient, KINDS[each.kind].topic, channel)
      return frequency === 'never' ? [] : [{ ...each, channel, frequency, recipient }]
    })
  })
}

async function gather(tx: Tx, wanted: readonly Wanted[]): Promise<void> {
  if (wanted.length === 0) return
  tx.send(ENSURE, columnsOf(wanted))
  const standing = await tx.query<Gathering>(LOCK, columnsOf(wanted))
  const by_name = new Map(wanted.map((each) => [nameOf(each), each]))
  const after = standing.map((row) => {
    const { tallies, frequency, recipient, at } = present(by_name.get(nameOf(row)), 'only what is wanted was locked')
    const due_at = row.due_at ?? dueAt(row, frequency, recipient, at)
    return { ...row, tallies: sumOf({ ...NO_TALLIES, ...row.tallies }, tallies), due_at }
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
