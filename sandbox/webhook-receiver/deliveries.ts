import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { verifyMessage } from '#server/kit/standard-webhooks.ts'
import type { Faults } from '../door/faults.ts'
import type { ReceiverFault } from './faults.ts'

/** More are forgotten, the oldest first; what is counted of them stays. */
const KEPT_MAX = 2_000

/** Delays kept for the percentiles. */
const DELAYS_MAX = 500_000

/** Why a request does not come from who has the secret; `unsigned` where no secret is known of the hook. */
type Verdict = 'ok' | 'unsigned' | 'wrong'

/** One request as it came. */
export interface Received {
  number: number
  /** The last part of the address. */
  hook: string
  at: string
  /** The header webhook-id; empty without it. */
  id: string
  signature: Verdict
  /** Whether this hook had this id before. */
  repeated: boolean
  /** What it answered: a status, or the name of the fault. */
  answer: string
  headers: Record<string, string>
  body: string
}

/** What came in all. */
export interface ReceiverSummary {
  requests: number
  /** Requests that were answered by 2xx. */
  taken: number
  /** Different ids, each counted once a hook, and those that came again. */
  events: number
  /** Of those, the ones that were answered by 2xx at least once. */
  events_taken: number
  repeated: number
  wrong_signatures: number
  /** From the time within the body to its first arrival at a hook that took it, in milliseconds. */
  delay_p50_ms: number
  delay_p99_ms: number
  delay_max_ms: number
}

/** A receiver with all its hooks. */
export interface Receiver {
  readonly faults: Faults<ReceiverFault>
  /** By hook; several while one is changed. */
  secrets: Map<string, string[]>
  kept: Received[]
  /** Ids by hook, and whether each was answered by 2xx. */
  seen: Map<string, Map<string, boolean>>
  counts: { requests: number; taken: number; repeated: number; wrong_signatures: number }
  delays_ms: number[]
  /** Requests that hang, and how each is cut. */
  readonly hanging: Set<() => void>
  /** Those who wait for a request. */
  readonly listeners: Set<() => void>
}

/** A receiver that nothing came to. */
export function newReceiver(faults: Faults<ReceiverFault>): Receiver {
  return {
    faults,
    secrets: new Map(),
    kept: [],
    seen: new Map(),
    counts: { requests: 0, taken: 0, repeated: 0, wrong_signatures: 0 },
    delays_ms: [],
    hanging: new Set(),
    listeners: new Set(),
  }
}

/** Writes a request down. `answer` is the status it gets, or the name of the fault that takes its place. */
export function receive(
  receiver: Receiver,
  hook: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  answer: string,
): Received {
  const { counts } = receiver
  const id = headerOf(headers, 'webhook-id') ?? ''
  const signature = verdictOf(receiver.secrets.get(hook), headers, body)
  const ids = receiver.seen.get(hook) ?? new Map<string, boolean>()
  receiver.seen.set(hook, ids)
  const repeated = ids.has(id)
  const taken = answer.startsWith('2')
  if (taken && !ids.get(id)) noteDelay(receiver, body)
  ids.set(id, taken || (ids.get(id) ?? false))
  counts.requests += 1
  if (taken) counts.taken += 1
  if (repeated) counts.repeated += 1
  if (signature === 'wrong') counts.wrong_signatures += 1
  const received: Received = {
    number: counts.requests,
    hook,
    at: new Date().toISOString(),
    id,
    signature,
    repeated,
    answer,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    body: body.toString('utf8'),
  }
  receiver.kept.push(received)
  if (receiver.kept.length > 2 * KEPT_MAX) receiver.kept = receiver.kept.slice(-KEPT_MAX)
  for (const look of receiver.listeners) look()
  return received
}

function noteDelay(receiver: Receiver, body: Buffer): void {
  if (receiver.delays_ms.length >= DELAYS_MAX) return
  const [, time] = /"timestamp":"([\d:.TZ-]{20,30})"/.exec(body.toString('utf8')) ?? []
  if (time !== undefined) receiver.delays_ms.push(Date.now() - Date.parse(time))
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

function verdictOf(secrets: string[] | undefined, headers: IncomingHttpHeaders, body: Buffer): Verdict {
  if (!secrets) return 'unsigned'
  const [id, timestamp, signature, plain] = [
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'saldo-signature',
  ].map((name) => headerOf(headers, name))
  if (signature !== undefined) {
    const refusal = verifyMessage(secrets, { id, timestamp, signature }, body, Math.floor(Date.now() / 1_000))
    return refusal === undefined ? 'ok' : 'wrong'
  }
  const expected = secrets.map((secret) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`)
  const holds = (plain ?? '').split(' ').some((given) => expected.some((each) => areSame(each, given)))
  return holds ? 'ok' : 'wrong'
}

function areSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}

/** Counts and percentiles of all that came. */
export function summaryOf({ counts, seen, delays_ms }: Receiver): ReceiverSummary {
  const sorted = Float64Array.from(delays_ms).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  let events = 0
  let events_taken = 0
  for (const ids of seen.values()) {
    events += ids.size
    for (const taken of ids.values()) events_taken += taken ? 1 : 0
  }
  return { ...counts, events, events_taken, delay_p50_ms: at(0.5), delay_p99_ms: at(0.99), delay_max_ms: at(1) }
}

/** Forgets all that came, but no secret and no fault. */
export function forget(receiver: Receiver): void {
  Object.assign(receiver, {
    ...newReceiver(receiver.faults),
    secrets: receiver.secrets,
    hanging: receiver.hanging,
    listeners: receiver.listeners,
  })
}
