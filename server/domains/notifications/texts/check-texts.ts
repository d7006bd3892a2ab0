import type { Locale } from '#server/domains/identity/user.ts'
import type { FieldError } from '#server/platform/http/problem.ts'
import { type Kind, variablesOf } from './kinds.ts'
import { formsOf, type MessageTexts, pluralForms, type Template, variablesIn, withoutVariables } from './template.ts'

/**
 * What is wrong with texts for this kind and language: unknown variables, braces that are none, plural forms that the language does not have or needs, a title of
 * several lines, a button where there is no link. Empty when they can be used.
 */
export function faultsOf(kind: Kind, locale: Locale, texts: MessageTexts): FieldError[] {
  const faults = [
    ...templateFaults('title', kind, locale, texts.title),
    ...templateFaults('body', kind, locale, texts.body),
  ]
  if (formsOf(texts.title).some((text) => /[\p{Cc}\u2028\u2029]/u.test(text))) {
    faults.push({ field: 'title', reason: 'must be one line' })
  }
  if (hasLink(kind) !== (texts.action !== undefined)) {
    const reason = hasLink(kind) ? 'is required: this message has a button' : 'is not taken: this message has no button'
    faults.push({ field: 'action', reason })
  }
  if (texts.action !== undefined && /[{}]/.test(texts.action)) {
    faults.push({ field: 'action', reason: 'takes no variables' })
  }
  return faults
}

/** Whether messages of the kind lead somewhere by a button. */
export function hasLink(kind: Kind): boolean {
  return Object.values(variablesOf(kind)).includes('link')
}

function templateFaults(field: string, kind: Kind, locale: Locale, template: Template): FieldError[] {
  const variables = variablesOf(kind)
  const known = Object.keys(variables).filter((name) => variables[name] !== 'link')
  const words = known.length > 0 ? `known are ${known.join(', ')}` : 'this message has none'
  const faults: FieldError[] = []
  for (const name of variablesIn(template)) {
    if (!known.includes(name)) faults.push({ field, reason: `{{${name}}} is not a variable here; ${words}` })
  }
  for (const text of formsOf(template)) {
    if (text.trim() === '') faults.push({ field, reason: 'must not be empty' })
    if (/[{}]/.test(withoutVariables(text))) {
      faults.push({ field, reason: `has braces that are no variable; write {{name}}, ${words}` })
    }
  }
  if (typeof template !== 'string') faults.push(...pluralFaults(field, locale, template, variables[template.by]))
  return faults
}

function pluralFaults(
  field: string,
  locale: Locale,
  template: Exclude<Template, string>,
  type: string | undefined,
): FieldError[] {
  const { by, ...forms } = template
  const wanted = pluralForms(locale)
  const given = Object.keys(forms)
  const missing = wanted.filter((form) => !given.includes(form))
  const extra = given.filter((form) => !wanted.some((each) => each === form))
  return [
    ...(type === 'count' ? [] : [{ field, reason: `{{${by}}} is no count, so it cannot choose a plural form` }]),
    ...(missing.length > 0 ? [{ field, reason: `needs the plural forms ${missing.join(', ')}` }] : []),
    ...(extra.length > 0
      ? [{ field, reason: `has plural forms that the language does not: ${extra.join(', ')}` }]
      : []),
  ]
}
