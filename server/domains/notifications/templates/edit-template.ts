import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { Locale } from '#server/domains/identity/user.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { badTexts, TemplateChangedError } from '../messages/errors.ts'
import { faultsOf } from '../texts/check-texts.ts'
import type { Kind } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'

/** A change of the texts of a kind in a language. `texts` undefined: back to the house's own. */
export interface TemplateChange {
  kind: Kind
  locale: Locale
  texts: MessageTexts | undefined
  /** The version on which the change was made: a change made meanwhile is not overwritten unseen. */
  version: number | undefined
  by: Actor
  edited_by: bigint | undefined
}

const LATEST = statement(`
  select version, texts from notifications.template where kind = $1 and locale = $2 order by version desc limit 1`)

// The primary key lets one of two have the next version; the other begins again and finds it changed.
const INSERT = statement(`
  insert into notifications.template (kind, locale, version, texts, edited_by, edited_at) values ($1, $2, $3, $4, $5, $6)
  on conflict (kind, locale, version) do nothing returning version`)

/**
 * Saves the next version of a kind's texts; every message written from then on uses it. Answers the version. Throws InvalidRequestError naming each fault,
 * TemplateChangedError.
 */
export async function editTemplate(tx: Tx, change: TemplateChange, now: Date): Promise<number> {
  const { kind, locale, texts } = change
  const faults = texts ? faultsOf(kind, locale, texts) : []
  if (faults.length > 0) throw badTexts(faults)
  const [latest] = await tx.query<{ version: number; texts: MessageTexts | null }>(LATEST, [kind, locale])
  const standing = latest?.version ?? 0
  if (change.version !== undefined && change.version !== standing) throw new TemplateChangedError(standing)
  if (!texts && !latest?.texts) return standing
  const saved = await tx.query(INSERT, [
    kind,
    locale,
    standing + 1,
    texts ? JSON.stringify(texts) : null,
    change.edited_by ?? null,
    now,
  ])
  if (saved.length === 0) throw new TemplateChangedError(standing + 1)
  recordActs(tx, [
    {
      action: texts ? 'messages.template_edited' : 'messages.template_reset',
      actor: change.by,
      subject: { kind: 'template', id: `${kind}:${locale}` },
      before: { version: standing, title: titleOf(latest?.texts) },
      after: { version: standing + 1, title: titleOf(texts) },
    },
  ])
  return standing + 1
}

/** The texts themselves are in the versions; the audit says which. */
function titleOf(texts: MessageTexts | null | undefined) {
  if (!texts) return null
  return typeof texts.title === 'string' ? texts.title : (texts.title.other ?? null)
}
