import type { Locale } from '#server/domains/identity/user.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import { CATALOGUE } from '../texts/catalogue.ts'
import { faultsOf } from '../texts/check-texts.ts'
import type { Kind } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'

const READ = statement(`
  select distinct on (kind, locale) kind, locale, texts from notifications.template
  where kind = any($1::text[]) order by kind, locale, version desc`)

/** The texts of these kinds as they stand now: what staff made of them, or else the house's own. */
export async function readTexts(
  db: Pick<Db, 'query'>,
  kinds: readonly Kind[],
): Promise<(kind: Kind, locale: Locale) => MessageTexts> {
  const rows = await db.query<{ kind: Kind; locale: Locale; texts: MessageTexts | null }>(READ, [
    textArray([...new Set(kinds)]),
  ])
  const changed = new Map(rows.map((row) => [`${row.kind}:${row.locale}`, row.texts]))
  return (kind, locale) => {
    const texts = changed.get(`${kind}:${locale}`)
    // A version of ours may have taken a variable away since it was saved: better the house's words than half a sentence.
    return texts && faultsOf(kind, locale, texts).length === 0 ? texts : CATALOGUE[locale][kind]
  }
}
