import type { ReportedPost } from '#server/domains/providers/provider.ts'
import { fieldsOf, own, textOf, wholeOf } from './json.ts'
import { isOrderId } from './order-id.ts'

/** More than any subscription may have, at any provider. A longer list is a defect. */
const POSTS_MAX = 5_000

/** Words for where an order stands: where they are the values, the ids are the names. */
const STATUS_WORD =
  /^(pending|awaiting|in[ _-]?progress|processing|completed|partial|cancell?ed|active|paused|expired|fail(ed)?|error)$/i

/**
 * The orders that a subscription has become so far: a list of ids or of objects with `order` or `id`, an object of such by any name, an object by id, or ids joined by commas. Each once, in
 * their order; none where nothing is given. Undefined when something in it is no order's id: then nothing of it counts.
 */
export function readPosts(value: unknown): ReportedPost[] | undefined {
  const items = itemsOf(value)
  if (items === undefined || items.length > POSTS_MAX) return undefined
  const posts = new Map<string, ReportedPost>()
  for (const item of items) {
    const post = readPost(item)
    if (post === undefined) return undefined
    if (!posts.has(post.provider_order_id)) posts.set(post.provider_order_id, post)
  }
  return [...posts.values()]
}

function itemsOf(value: unknown): unknown[] | undefined {
  if (value === undefined || value === null || value === false) return []
  if (Array.isArray(value)) return value
  const fields = fieldsOf(value)
  if (fields) return Object.entries(fields).map(([name, each]) => itemUnder(name, each))
  const text = textOf(value)
  if (text === undefined) return value === '' ? [] : undefined
  return text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

/** An object's name is the id where its value cannot have one; otherwise it is but a place in a list. */
function itemUnder(name: string, value: unknown): unknown {
  const fields = fieldsOf(value)
  if (fields && idOf(fields) === undefined) return { ...fields, order: name }
  const text = textOf(value)
  return text !== undefined && STATUS_WORD.test(text) ? name : value
}

function readPost(item: unknown): ReportedPost | undefined {
  const fields = fieldsOf(item)
  const id = textOf(fields ? idOf(fields) : item)
  if (id === undefined || id === '0' || !isOrderId(id)) return undefined
  return { provider_order_id: id, quantity: fields && wholeOf(own(fields, 'quantity')) }
}

function idOf(fields: Readonly<Record<string, unknown>>): unknown {
  return own(fields, 'order') ?? own(fields, 'order_id') ?? own(fields, 'id')
}
