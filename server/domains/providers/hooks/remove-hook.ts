import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'

const remove = statement('delete from providers.hook where provider_id = $1 returning provider_id')

/** Lets a provider call us no more. Answers whether it could. */
export async function removeHook({ db }: Pick<App, 'db'>, provider_id: bigint, actor: Actor): Promise<boolean> {
  return db.transaction(async (tx) => {
    const removed = (await tx.query(remove, [provider_id])).length > 0
    const subject = { kind: 'provider', id: provider_id }
    if (removed) recordActs(tx, [{ action: 'providers.hook-removed', actor, subject }])
    return removed
  })
}
