import { acceptPost, rememberEnd } from './orders.ts'
import type { FinalStatus, Panel, PanelOrder, PanelService, PanelSubscription } from './panel.ts'
import { type Refusal, refuse, TEXT } from './refusals.ts'

/** Minutes after a post until its order begins, as panels list them. */
const DELAYS = new Set([0, 5, 10, 15, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600])
const POSTS_MAX = 1_000
const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const COUNT = /^\d{1,9}$/

/** Posts of one subscription that a pause of the panel may have left behind, made up for at once. */
const CATCH_UP_MAX = 100

/** What a subscription is to do, from the fields of its request. A refusal names the field. */
export function readSubscription(
  service: PanelService,
  fields: Readonly<Record<string, string>>,
  goes_beyond: boolean,
): PanelSubscription | Refusal {
  const [min, max] = [countOf(fields.min), countOf(fields.max)]
  if (min === undefined || min < 1) return refuse(TEXT.parameter('min'))
  if (max === undefined || max < min) return refuse(TEXT.parameter('max'))
  if (min < service.min) return refuse(TEXT.below_min(service.min))
  if (max > service.max) return refuse(TEXT.above_max(service.max))
  const delay = countOf(fields.delay)
  if (delay === undefined || !DELAYS.has(delay)) return refuse(TEXT.parameter('delay'))
  const [posts, old_posts] = [countOf(fields.posts || '0'), countOf(fields.old_posts || '0')]
  if (posts === undefined || posts > POSTS_MAX) return refuse(TEXT.parameter('posts'))
  if (old_posts === undefined || old_posts > POSTS_MAX) return refuse(TEXT.parameter('old_posts'))
  const expires_ms = expiryOf(fields.expiry ?? '')
  if (Number.isNaN(expires_ms)) return refuse(TEXT.parameter('expiry'))
  return {
    ...{ min, max, old_posts, expires_ms, goes_beyond },
    delay_ms: delay * MINUTE_MS,
    posts: posts === 0 ? null : posts,
    made: 0,
    next_ms: null,
    paused: false,
    listed: [],
  }
}

function countOf(text: string | undefined): number | undefined {
  const trimmed = (text ?? '').trim()
  return COUNT.test(trimmed) ? Number(trimmed) : undefined
}

/** The end of a day such as 31/12/2030; null without one, not a number for what is none. */
function expiryOf(text: string): number | null {
  if (text.trim() === '') return null
  const [, day = '', month = '', year = ''] = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text.trim()) ?? []
  return Date.parse(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T00:00:00Z`) + DAY_MS
}

/** A subscription begins: what is posted already becomes orders at once, what comes follows the panel's pace. */
export function beginPosting(panel: Panel, parent: PanelOrder, now_ms: number): void {
  const { subscription } = parent
  if (subscription === null) return
  for (let n = 0; n < subscription.old_posts; n++) makePost(panel, parent, now_ms)
  subscription.next_ms = nextAfter(panel, now_ms + subscription.delay_ms)
  keep(panel, parent)
}

/** A new pace: those that are under way wait for their next post from now on. */
export function repace(panel: Panel, now_ms: number): void {
  for (const parent of panel.posting) {
    if (parent.subscription) parent.subscription.next_ms = nextAfter(panel, now_ms)
  }
}

/** Makes the posts that are due by now, and ends what is over. Called before anything is read or charged. */
export function postDue(panel: Panel, now_ms: number): void {
  for (const parent of panel.posting) {
    const { subscription } = parent
    if (subscription === null) continue
    for (let n = 0; n < CATCH_UP_MAX; n++) {
      if (parent.final !== null || subscription.next_ms === null || subscription.next_ms > now_ms) break
      if (isOver(subscription, subscription.next_ms) || isFull(subscription)) break
      if (makePost(panel, parent, subscription.next_ms) === undefined) break
      subscription.made += 1
      subscription.next_ms = nextAfter(panel, subscription.next_ms)
      keep(panel, parent)
    }
    if (parent.final === null && isOver(subscription, now_ms)) endPosting(panel, parent, 'Expired', now_ms)
    else if (parent.final === null && isFull(subscription)) endPosting(panel, parent, 'Completed', now_ms)
  }
}

/**
 * A post comes and becomes an order of its own, charged for itself; undefined when the balance does not suffice: then the subscription pauses. `quantity`: pieces; otherwise as many as
 * there may be.
 */
export function makePost(panel: Panel, parent: PanelOrder, at_ms: number, quantity?: number): PanelOrder | undefined {
  const { subscription } = parent
  if (subscription === null) return undefined
  const post = acceptPost(panel, parent, quantity ?? subscription.max, at_ms)
  if (post === undefined && subscription.paused) return undefined
  subscription.paused = post === undefined
  if (post) subscription.listed.push(post.id)
  keep(panel, parent)
  return post
}

/** Lists an order that is there already among those of a subscription: what a panel with a defect does. */
export function listForeign(panel: Panel, parent: PanelOrder, id: string): void {
  parent.subscription?.listed.push(id)
  keep(panel, parent)
}

/** The subscription makes no more posts; its orders go on. */
export function endPosting(panel: Panel, parent: PanelOrder, status: FinalStatus, now_ms: number): void {
  rememberEnd(panel, parent, { status, remains: 0, start_count: 0, ended_ms: now_ms })
  panel.posting.delete(parent)
}

function isOver({ expires_ms }: PanelSubscription, now_ms: number): boolean {
  return expires_ms !== null && now_ms >= expires_ms
}

function isFull({ posts, made, goes_beyond }: PanelSubscription): boolean {
  return posts !== null && made >= posts && !goes_beyond
}

function nextAfter({ pace }: Panel, ms: number): number | null {
  return pace.post_every_ms === undefined || pace.post_every_ms === 0 ? null : ms + pace.post_every_ms
}

function keep(panel: Panel, parent: PanelOrder): void {
  panel.state_file?.append('order', parent)
}
