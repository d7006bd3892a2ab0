import type { App } from '#server/platform/app.ts'
import { plainArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { type AskLink, askLinks } from '../links/ask-links.ts'
import { tellOwner } from '../tell-owner.ts'
import type { Locale } from '../user.ts'

interface Asked {
  id: bigint
  user_id: bigint
  email: string
  new_email: string
  locale: Locale
  /** Whose the new address is. */
  owner_id: bigint | null
}

const READ = statement(`
  select change.id, change.user_id, asker.email, change.new_email, asker.locale, owner.id as owner_id
  from identity.email_change as change
  join identity.user as asker on asker.id = change.user_id
  left join identity.user as owner on owner.email = change.new_email
  where change.id = any($1::bigint[]) and change.done_at is null and change.voided_at is null and change.expires_at > $2
  order by change.id`)

/** Asks for the links of changes of address: one to the old address, one to the new. An address that has an account gets a notice in place of its link. */
export async function answerEmailChanges(
  tx: Tx,
  app: Pick<App, 'clock'>,
  email_change_ids: readonly bigint[],
): Promise<void> {
  const now = app.clock.now()
  const asked = await tx.query<Asked>(READ, [plainArray(email_change_ids), now])
  await askLinks(tx, now, asked.flatMap(linksOf))
  const owners = new Set(asked.map((each) => each.owner_id).filter((id) => id !== null))
  for (const user_id of owners) tellOwner(tx, { user_id, kind: 'address_already_registered', now, by: {} })
}

function linksOf({ id, user_id, email, new_email, locale, owner_id }: Asked): AskLink[] {
  const common = { user_id, locale, email_change_id: id }
  const old: AskLink = { ...common, purpose: 'confirm_old_email', email }
  return owner_id === null ? [old, { ...common, purpose: 'confirm_new_email', email: new_email }] : [old]
}
