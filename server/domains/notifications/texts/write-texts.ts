import { CATALOGUE } from './catalogue.ts'
import { FRAMES } from './frames.ts'
import { type Data, isKind, type Kind, variablesOf } from './kinds.ts'
import { fill, type MessageTexts, type Template } from './template.ts'
import { type Reader, writeVariable } from './write-variable.ts'

/** A message as it is read: plain text. The title is one line. */
export interface Written {
  title: string
  body: string
  /** What stands on the button; undefined without one. */
  action: string | undefined
}

/** Writes a message of a kind for a reader, in `texts` or else the house's own. */
export function writeTexts(
  kind: Kind,
  data: Data,
  reader: Reader,
  texts: MessageTexts = CATALOGUE[reader.locale][kind],
): Written {
  const variables = variablesOf(kind)
  const write = (name: string) => {
    const type = variables[name]
    // Texts are checked when they are saved; a link is never written into one.
    if (type === undefined || type === 'link') return ''
    return writeVariable(type, readable(name, data, reader), reader)
  }
  const count = (name: string) => Number(data[name] ?? 0)
  const written = (template: Template) => fill(template, reader.locale, write, count)
  return { title: written(texts.title), body: written(texts.body), action: texts.action }
}

/** Some values are words of ours: they are stored as such and told in the reader's language. */
function readable(name: string, data: Data, reader: Reader): Data[string] | undefined {
  const frame = FRAMES[reader.locale]
  const value = data[name]
  if (name === 'device' && (value === undefined || value === '')) return frame.unknown_device
  if (name === 'channel' && (value === 'email' || value === 'telegram')) return frame.channels[value]
  if (name === 'reason' && typeof value === 'string' && Object.hasOwn(frame.off, value)) {
    return frame.off[value as keyof typeof frame.off]
  }
  // An all-clear names the alert by its title.
  if (name === 'alert' && typeof value === 'string' && isKind(value) && value !== 'all_clear') {
    return writeTexts(value, data, reader).title
  }
  return value
}
