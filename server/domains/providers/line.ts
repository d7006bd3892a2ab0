import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'
import type { Clock } from '#server/kit/clock.ts'
import { maskSecrets } from '#server/platform/outbound/mask.ts'
import {
  type Outbound,
  OutboundError,
  type OutboundFailure,
  type OutboundRequest,
} from '#server/platform/outbound/outbound.ts'
import type { Metrics } from '#server/platform/telemetry/metrics.ts'
import { type CallLog, LOGGED_MAX } from './call-log.ts'
import { type Ended, type Lane, type Limits, NotCalledError } from './limits.ts'
import { type CallOutcome, ProviderReadError } from './provider.ts'

/** Texts for people: a reason, a refusal. */
const MESSAGE_MAX = 300

/** Reads change nothing, so they may be asked again: twice, after pauses that chance spreads. More would keep a line from others. */
const READ_AGAIN = retry(handleWhen(isPassing), {
  maxAttempts: 2,
  backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1_000 }),
})

const BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60]

/** One call as an adapter asks for it. */
export interface LineCall {
  /** The provider's word for what is asked, for log and metrics. */
  action: string
  order_id: bigint | undefined
  request: Omit<OutboundRequest, 'timeout_ms'>
  /** The request without the key, for the log. */
  shown: string
}

/** What came back: an answer of whatever status, or why there is none and whether the request may have arrived. */
export type Answer =
  | { answered: true; status: number; body: string }
  | { answered: false; sent: boolean; failure: OutboundFailure }

/** The way to one provider: limits, breaker, time-out, call log and metrics, the same for every adapter. Nothing that leaves it holds the key. */
export interface Line {
  /** One try, whatever happens. `decide` must not throw. */
  write<T extends object>(
    lane: Exclude<Lane, 'read'>,
    call: LineCall,
    decide: (answer: Answer) => CallOutcome<T>,
  ): Promise<CallOutcome<T>>
  /** Asked again where that may help, unless `once`. `parse` throws ProviderReadError where the answer is no good; so does this. */
  read<T>(call: LineCall, parse: (answer: Answer) => T, options?: { once: boolean }): Promise<T>
  /** A text of the provider for people: key masked, cut. */
  message(text: string): string
}

export interface LineOptions {
  provider_id: bigint
  provider_name: string
  key: string
  timeout_ms: number
  limits: Limits
}

interface LineDeps {
  outbound: Outbound
  calls: CallLog
  metrics: Metrics
  clock: Clock
}

/** Opens the way to one provider. */
export function openLine(deps: LineDeps, options: LineOptions): Line {
  const provider = options.provider_name
  const heldBack = deps.metrics.counter(
    'saldo_provider_calls_held_back_total',
    'Calls to providers that were not made: the breaker was open, or too many were waiting.',
    ['provider', 'reason'],
  )
  const message = (text: string) => masked(text, options.key, MESSAGE_MAX)
  const ask = openAsk(deps, options)
  let lastFailure = new ProviderReadError('unreachable', 'no call yet')

  async function writeOnce<T extends object>(
    call: LineCall,
    decide: (answer: Answer) => CallOutcome<T>,
  ): Promise<Ended<CallOutcome<T>>> {
    const { answer, record } = await ask(call)
    const outcome = decide(answer)
    record(outcomeOf(outcome))
    const value = outcome.outcome === 'accepted' ? outcome : { ...outcome, message: message(outcome.message) }
    return { value, down: outcome.outcome === 'unknown' || (!answer.answered && !answer.sent) }
  }

  async function readOnce<T>(call: LineCall, parse: (answer: Answer) => T): Promise<Ended<() => T>> {
    const { answer, record } = await ask(call)
    try {
      const value = parse(answer)
      record('ok')
      return { value: () => value, down: false }
    } catch (error) {
      if (!(error instanceof ProviderReadError)) throw error
      record(error.reason)
      const failure = new ProviderReadError(error.reason, message(error.message))
      lastFailure = failure
      // 500 is one request that crashes the panel; the others say that nobody is there to answer.
      const down = !answer.answered || answer.status > 500
      return { value: () => raise(failure), down }
    }
  }

  return {
    message,
    write: async (lane, call, decide) => {
      try {
        return await options.limits.run(lane, () => writeOnce(call, decide))
      } catch (error) {
        if (!(error instanceof NotCalledError)) throw error
        heldBack.inc({ provider, reason: error.reason })
        return { outcome: 'rejected', code: 'not_sent', message: error.message }
      }
    },
    read: async (call, parse, { once } = { once: false }) => {
      const read = async () => (await options.limits.run('read', () => readOnce(call, parse)))()
      try {
        return await (once ? read() : READ_AGAIN.execute(read))
      } catch (error) {
        if (!(error instanceof NotCalledError)) throw error
        heldBack.inc({ provider, reason: error.reason })
        // Staff see why the provider is left alone, and not only that it is.
        if (error.reason === 'busy') throw new ProviderReadError('rate_limited', error.message)
        throw new ProviderReadError(lastFailure.reason, message(`${error.message}: ${lastFailure.message}`))
      }
    },
  }
}

/** One call, and what writes its end to log and metrics once it is known what the answer means. */
type Ask = (call: LineCall) => Promise<{ answer: Answer; record: (outcome: string) => void }>

function openAsk(deps: LineDeps, options: LineOptions): Ask {
  const seconds = deps.metrics.histogram('saldo_provider_call_seconds', 'Duration of calls to providers.', BUCKETS_S, [
    'provider',
    'action',
    'outcome',
  ])
  return async (call) => {
    const at = deps.clock.now()
    const started_ms = deps.clock.monotonic_ms()
    const answer = await answerOf(deps.outbound, { ...call.request, timeout_ms: options.timeout_ms })
    const duration_ms = deps.clock.monotonic_ms() - started_ms
    const record = (outcome: string) => {
      const [word = outcome] = outcome.split(':', 1)
      seconds.observe({ provider: options.provider_name, action: call.action, outcome: word }, duration_ms / 1000)
      const response = answer.answered ? answer.body : messageOf(answer)
      deps.calls.record({
        at,
        provider_id: options.provider_id,
        order_id: call.order_id,
        action: call.action,
        request: masked(call.shown, options.key, LOGGED_MAX.request),
        response: masked(response, options.key, LOGGED_MAX.response),
        http_status: answer.answered ? answer.status : undefined,
        outcome,
        duration_ms,
      })
    }
    return { answer, record }
  }
}

/** The text without the key and other secrets, nor the NUL that no column takes; the mark of a cut is one character more than the cut. */
function masked(text: string, key: string, chars_max: number): string {
  return maskSecrets(text.replaceAll('\0', ''), { secrets: [key], chars_max: chars_max - 1 })
}

/** Says in words why no answer came. */
export function messageOf(answer: Answer & { answered: false }): string {
  switch (answer.failure) {
    case 'address_refused':
      return 'the address is not allowed'
    case 'dns':
      return 'the name could not be resolved'
    case 'connect':
      return 'no connection'
    case 'tls':
      return 'no secure connection'
    case 'timeout':
      return answer.sent ? 'no answer in time' : 'no connection in time'
    case 'reset':
      return 'the connection broke before the answer'
    case 'too_large':
      return 'the answer is too large'
    case 'aborted':
      return 'interrupted before the answer'
  }
}

async function answerOf(outbound: Outbound, request: OutboundRequest): Promise<Answer> {
  try {
    const response = await outbound.call(request)
    return { answered: true, status: response.status, body: response.body }
  } catch (error) {
    if (error instanceof OutboundError) return { answered: false, sent: error.sent, failure: error.failure }
    throw error
  }
}

/** For the log: `accepted`, `rejected: bad_link`, `unknown: timeout`. */
function outcomeOf(outcome: CallOutcome): string {
  if (outcome.outcome === 'accepted') return 'accepted'
  return `${outcome.outcome}: ${outcome.outcome === 'rejected' ? outcome.code : outcome.reason}`
}

/** Whether the same read may well succeed a moment later. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ProviderReadError)) return false
  return error.reason === 'unreachable' || error.reason === 'timeout' || error.reason === 'server_error'
}

function raise(error: Error): never {
  throw error
}
