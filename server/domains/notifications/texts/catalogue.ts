import type { Locale } from '#server/domains/identity/user.ts'
import { BN } from './bn.ts'
import { EN } from './en.ts'
import type { Kind } from './kinds.ts'
import { RU } from './ru.ts'
import type { MessageTexts } from './template.ts'

/** The house's own texts: every kind of message in every language. */
export const CATALOGUE: Readonly<Record<Locale, Readonly<Record<Kind, MessageTexts>>>> = { en: EN, bn: BN, ru: RU }
