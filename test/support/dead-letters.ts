import type { Db } from '#server/platform/db/database.ts'
import { listDeadLetters } from '#server/platform/jobs/dead-letters.ts'

/** A letter as a test wants it. */
export interface LetterSeed {
  kind?: 'job' | 'event'
  name?: string
  error?: string
  payload?: string
}

let sources = 0

/** Puts letters there, as if their jobs and events had been given up; answers their ids in the same order. */
export async function buried(db: Db, ...seeds: LetterSeed[]): Promise<bigint[]> {
  for (const {
    kind = 'job',
    name = 'test.work',
    error = 'Error: no',
    payload = '{"order_id":{"$bigint":"7"}}',
  } of seeds) {
    sources += 1
    await db.query(
      `insert into platform.dead_letter
        (kind, source_id, name, subject, payload, error, attempts, attempts_max, correlation, first_at, last_at)
      values ($1, $2, $3, $4, $5::json, $6, 5, 5, '{"request_id":"req_1"}', now() - interval '1 hour', now())`,
      [kind, sources, name, kind === 'event' ? 'order:7' : '', payload, error],
    )
  }
  return (await listDeadLetters(db, { limit: seeds.length })).map(({ id }) => id).reverse()
}
