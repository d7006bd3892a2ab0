import type { Locale } from '#server/domains/identity/user.ts'

/** A text with `{{variables}}`; or one for each plural form that the language has, chosen by a count. */
export type Template = string | PluralTemplate

export type PluralTemplate = { by: string } & Partial<Record<Intl.LDMLPluralRule, string>>

/** What a message of one kind says in one language. Paragraphs of the body are parted by an empty line. */
export interface MessageTexts {
  title: Template
  body: Template
  /** The button; exactly for kinds with a link. */
  action?: string | undefined
}

/** The forms a language's plurals take: English one and other, Russian four. */
export function pluralForms(locale: Locale): readonly Intl.LDMLPluralRule[] {
  return new Intl.PluralRules(locale).resolvedOptions().pluralCategories
}

const VARIABLE = /\{\{ {0,2}([a-z_]{1,40}) {0,2}\}\}/g

/** The variables that a text speaks of, in any of its forms, with the one that chooses the form. */
export function variablesIn(template: Template): Set<string> {
  const names = new Set<string>()
  for (const text of formsOf(template)) for (const match of text.matchAll(VARIABLE)) names.add(match[1] as string)
  if (typeof template !== 'string') names.add(template.by)
  return names
}

/** Every text of a template. */
export function formsOf(template: Template): string[] {
  if (typeof template === 'string') return [template]
  const { by: _, ...forms } = template
  return Object.values(forms)
}

/** What is left of a text without its variables: braces in it are a mistake of whoever wrote it. */
export function withoutVariables(text: string): string {
  return text.replace(VARIABLE, '')
}

/**
 * The text with each variable replaced by what `write` makes of it. One pass: what a value contains is never read again, so a value
 * cannot bring variables of its own. `count` answers the number that chooses the plural form.
 */
export function fill(
  template: Template,
  locale: Locale,
  write: (name: string) => string,
  count: (name: string) => number,
): string {
  const text = typeof template === 'string' ? template : formFor(template, locale, count(template.by))
  return text.replace(VARIABLE, (_, name: string) => write(name))
}

function formFor(template: PluralTemplate, locale: Locale, count: number): string {
  const form = new Intl.PluralRules(locale).select(count)
  return template[form] ?? template.other ?? ''
}
