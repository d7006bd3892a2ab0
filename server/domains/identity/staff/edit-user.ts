import type { Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { present } from '#server/kit/invariant.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError } from '../errors.ts'
import { type Editor, lockForEdit } from '../rights/editor.ts'
import { isName, type Locale, NAME_MAX } from '../user.ts'

/** What is left out stays as it is. */
export interface EditUser {
  user_id: bigint
  name?: string | undefined
  locale?: Locale | undefined
}

interface Editable {
  name: string
  locale: Locale
}

const READ = statement('select name, locale from identity.user where id = $1')

const UPDATE = statement('update identity.user set name = $2, locale = $3 where id = $1')

/** Corrects a user's name and language. An edit that changes nothing writes nothing. Throws BadFieldError (`name`) and all that `lockForEdit` throws. */
export async function editUser(app: Pick<App, 'db'>, editor: Editor, edit: EditUser): Promise<void> {
  const name = edit.name?.trim()
  if (name !== undefined && !isName(name)) {
    throw new BadFieldError('name', `Up to ${NAME_MAX} characters, none of them a control character.`)
  }
  await app.db.transaction(async (tx) => {
    await lockForEdit(tx, editor, edit.user_id, 'edit')
    const before = present((await tx.query<Editable>(READ, [edit.user_id]))[0], 'a locked user vanished')
    const after: Editable = { name: name ?? before.name, locale: edit.locale ?? before.locale }
    const changed = (['name', 'locale'] as const).filter((each) => before[each] !== after[each])
    if (changed.length === 0) return
    tx.send(UPDATE, [edit.user_id, after.name, after.locale])
    const only = (of: Editable): Json => Object.fromEntries(changed.map((each) => [each, of[each]]))
    const subject = { kind: 'user', id: edit.user_id }
    recordActs(tx, [{ action: 'users.edited', actor: editor.actor, subject, before: only(before), after: only(after) }])
  })
}
