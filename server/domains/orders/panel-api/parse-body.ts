import { parse as parseForm } from 'node:querystring'
import { InvalidRequestError } from '#server/platform/http/problem.ts'

/** The longest request of the form has a dozen fields, and a list one for each of a hundred ids. */
const FIELDS_MAX = 250

/** Parses a body that is said to be JSON or begins as JSON does, else a form, whatever its content type: old clients name any or none. */
export function parseBody(content_type: string | undefined, body: Buffer): unknown {
  const text = body.toString('utf8')
  if (content_type?.startsWith('application/json') || text.startsWith('{')) return parseJson(text)
  // The parser would pass over what is beyond its limit, and with it perhaps a request's key.
  if (countFields(text) > FIELDS_MAX) throw refused(`has more than ${FIELDS_MAX} fields`)
  return parseForm(text, '&', '=', { maxKeys: 0 })
}

function countFields(text: string): number {
  let count = 1
  for (let at = text.indexOf('&'); at !== -1 && count <= FIELDS_MAX; at = text.indexOf('&', at + 1)) count++
  return count
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refused('is not valid JSON')
  }
}

/** Parses multipart/form-data. A field sent twice becomes an array, as in a form; files are no fields. */
export async function parseMultipart(content_type: string, body: Buffer): Promise<unknown> {
  const fields: Record<string, unknown> = Object.create(null)
  for (const [name, value] of await formDataOf(content_type, body)) {
    const known = fields[name]
    // A file stays an object, which no field takes.
    fields[name] = known === undefined ? value : [known, value].flat()
  }
  return fields
}

async function formDataOf(content_type: string, body: Buffer): Promise<FormData> {
  try {
    return await new Response(body, { headers: { 'content-type': content_type } }).formData()
  } catch {
    throw refused('is not valid multipart/form-data')
  }
}

function refused(reason: string): InvalidRequestError {
  return new InvalidRequestError([{ field: 'body', reason }])
}
