import type { Locale } from '#server/domains/identity/user.ts'
import { type Db, statement } from '#server/platform/db/database.ts'
import type { Kind } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'

/** One version of texts that staff made; without texts it went back to the house's own. */
export interface TemplateVersion {
  kind: Kind
  locale: Locale
  version: number
  texts: MessageTexts | null
  edited_by: bigint | null
  edited_at: Date
}

const COLUMNS = 'kind, locale, version, texts, edited_by, edited_at'

const LATEST = statement(`
  select distinct on (kind, locale) ${COLUMNS} from notifications.template order by kind, locale, version desc`)

/** The latest version of each template that was ever changed. */
export function latestTemplates(db: Pick<Db, 'query'>): Promise<TemplateVersion[]> {
  return db.query<TemplateVersion>(LATEST)
}

/** More are not shown: who wrote a hundred texts of one mail knows the last of them. */
const VERSIONS_MAX = 100

const VERSIONS = statement(`
  select ${COLUMNS} from notifications.template where kind = $1 order by locale, version desc limit ${VERSIONS_MAX}`)

/** The versions of one kind in all languages, the latest first. */
export function versionsOf(db: Pick<Db, 'query'>, kind: Kind): Promise<TemplateVersion[]> {
  return db.query<TemplateVersion>(VERSIONS, [kind])
}
