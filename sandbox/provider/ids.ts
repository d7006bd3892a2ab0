import { type Refusal, refuse, TEXT } from './refusals.ts'

/** The panels' own limit of ids in one request. */
const IDS_MAX = 100

/** Reads a list of ids: spaces trimmed, empty items dropped, repeats once. Refused whole when too long. */
export function readIds(text: string): string[] | Refusal {
  const ids = new Set(text.split(',').map((id) => id.trim()))
  ids.delete('')
  return ids.size > IDS_MAX ? refuse(TEXT.too_many_ids) : [...ids]
}

/** An id as lists show it: a number where it is one. */
export function idNumber(id: string): string | number {
  return /^\d{1,15}$/.test(id) ? Number(id) : id
}
