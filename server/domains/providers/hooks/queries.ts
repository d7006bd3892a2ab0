import { type Db, statement } from '#server/platform/db/database.ts'
import { HOOK_COLUMNS, type Hook } from './hook.ts'

const hook = statement(`select ${HOOK_COLUMNS} from providers.hook where provider_id = $1`)

/** The provider's hook; undefined where it may not call us. */
export async function findHook(db: Pick<Db, 'query'>, provider_id: bigint): Promise<Hook | undefined> {
  return (await db.query<Hook>(hook, [provider_id]))[0]
}

const count = statement(`
  update providers.hook set calls = calls + 1, known = known + $2, unknown = unknown + $3, last_call_at = $4 where provider_id = $1`)

/** Counts a call that was taken. */
export async function countHookCall(
  db: Pick<Db, 'query'>,
  { provider_id, known, unknown, at }: { provider_id: bigint; known: number; unknown: number; at: Date },
): Promise<void> {
  await db.query(count, [provider_id, known, unknown, at])
}
