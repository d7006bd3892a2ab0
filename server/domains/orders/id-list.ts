import { parseId } from './order-id.ts'

/** Ids in one request, as the panels' form has it. */
export const IDS_MAX = 100

/** One item of a list of ids: how it was spelled, and the id, if it is one. */
export interface ListedId {
  spelled: string
  id: bigint | undefined
}

/**
 * Reads `1,2, 3`: spaces are trimmed, repeats collapse, empty items vanish, what is no id stays with its spelling. Undefined when more than
 * IDS_MAX are left: a list is refused whole, never cut.
 */
export function readIdList(text: string): ListedId[] | undefined {
  const spelled = new Set<string>()
  for (const item of text.split(',')) {
    const trimmed = item.trim()
    if (trimmed !== '') spelled.add(trimmed)
    if (spelled.size > IDS_MAX) return undefined
  }
  return Array.from(spelled, (each) => ({ spelled: each, id: parseId(each) }))
}

/** The ids of a list, without what is none. */
export function idsOf(list: readonly ListedId[]): bigint[] {
  return list.flatMap((each) => each.id ?? [])
}

/** An id as the form's arrays have it: a number; what is none stays as it was spelled. JSON. */
export function spelling({ spelled, id }: ListedId): string {
  return id === undefined ? JSON.stringify(spelled) : String(id)
}
