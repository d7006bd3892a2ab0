import type { Db } from '#server/platform/db/database.ts'

/** An act as it is stored, with ids as texts. */
export interface StoredAct {
  id: bigint
  action: string
  actor_kind: string
  user_id: bigint | null
  via: string | null
  key_id: bigint | null
  ip: string | null
  request_id: string | null
  user_agent: string | null
  subject_kind: string | null
  subject_id: string | null
  before: unknown
  after: unknown
  reason: string | null
}

/** All acts whose action begins like this, oldest first. */
export function actsIn(db: Db, action = ''): Promise<StoredAct[]> {
  return db.query<StoredAct>('select * from audit.act where starts_with(action, $1) order by id', [action])
}
