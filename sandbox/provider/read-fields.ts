import { parse } from 'node:querystring'

/** Fields beyond this are not read; the longest request of the API has about ten. */
const FIELDS_MAX = 100

/** The request's fields from query and body, form or JSON; the body wins. What cannot be read is left out, as PHP panels do. */
export function readFields(query: string, content_type: string, body: Buffer): Record<string, string> {
  const fields: Record<string, string> = {}
  if (query !== '') takeForm(fields, query)
  if (body.length === 0) return fields
  const text = body.toString('utf8')
  if (content_type.startsWith('application/json')) takeJson(fields, text)
  else takeForm(fields, text)
  return fields
}

function takeForm(fields: Record<string, string>, text: string): void {
  const form = parse(text, '&', '=', { maxKeys: FIELDS_MAX })
  for (const name in form) {
    const value = form[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) fields[name] = last
  }
}

function takeJson(fields: Record<string, string>, text: string): void {
  for (const [name, value] of Object.entries(parseObject(text)).slice(0, FIELDS_MAX)) {
    if (Array.isArray(value)) fields[name] = value.join(',')
    else if (typeof value === 'string' || typeof value === 'number') fields[name] = String(value)
  }
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // Not JSON: a request without fields, hence without a key, and answered as such.
    return {}
  }
}
