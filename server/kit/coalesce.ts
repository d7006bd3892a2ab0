import { AsyncLocalStorage } from 'node:async_hooks'
import { systemClock } from './clock.ts'
import { invariant } from './invariant.ts'

/** More callers are waiting than the queue takes. Nothing was begun for this one. */
export class QueueFullError extends Error {
  override name = 'QueueFullError'
}

export interface CoalesceOptions<I> {
  /** Inputs a batch, or their weight together where `weigh` is given; a single heavier one makes a batch of its own. */
  max: number
  /** Batches under way at once. */
  lanes: number
  /** Inputs that may wait; one more is refused. */
  queue_max: number
  /** What an input counts for; 1 without it. */
  weigh?: (input: I) => number
  /**
   * The least time between the beginnings of two batches, for callers who can wait: what comes meanwhile gathers. None without it.
   */
  rest_ms?: number
}

interface Waiting<I, O> {
  input: I
  resolve: (output: O) => void
  reject: (reason: unknown) => void
}

/**
 * Turns concurrent single calls into batches: a call that finds a free lane starts at the end of the current turn of the event loop, together with all that came
 * in that turn; while all lanes are busy, calls gather. Output i answers input i. When `run` throws, every caller of that batch
 * gets the error, so what is wrong with one input is better refused before it enters. Batches run in the asynchronous context of
 * whoever called `coalesce`, for a batch is no part of any one caller. Rejects with QueueFullError beyond `queue_max`.
 */
export function coalesce<I, O>(
  run: (inputs: I[]) => Promise<O[]>,
  options: CoalesceOptions<I>,
): (input: I) => Promise<O> {
  const { max, lanes, queue_max, weigh, rest_ms = 0 } = options
  const inOwnContext = AsyncLocalStorage.snapshot()
  let waiting: Waiting<I, O>[] = []
  let busy = 0
  let scheduled = false
  let begun_ms = -rest_ms

  function schedule(): void {
    if (scheduled || busy >= lanes || waiting.length === 0) return
    scheduled = true
    const go = () => {
      scheduled = false
      inOwnContext(start)
    }
    const left_ms = restLeft_ms()
    if (left_ms > 0) setTimeout(go, left_ms)
    else setImmediate(go)
  }

  function restLeft_ms(): number {
    return rest_ms === 0 ? 0 : begun_ms + rest_ms - systemClock.monotonic_ms()
  }

  function start(): void {
    if (waiting.length === 0 || busy >= lanes) return
    const count = fitting(waiting, max, weigh)
    const batch = count === waiting.length ? waiting : waiting.slice(0, count)
    waiting = batch === waiting ? [] : waiting.slice(count)
    busy += 1
    if (rest_ms > 0) begun_ms = systemClock.monotonic_ms()
    void carry(batch)
    schedule()
  }

  async function carry(batch: Waiting<I, O>[]): Promise<void> {
    const settle = await settlementOf(batch)
    busy -= 1
    // The next batch leaves before this one's callers go on: they work while it is on its way.
    if (restLeft_ms() > 0) schedule()
    else start()
    // Not in this turn of the event loop, in which its first statement still waits to be sent: what hundreds of callers do then would keep it from the database. Where there is no next batch
    // too, or these callers would go on before those of the batch before.
    await nextTurn()
    for (let i = 0; i < batch.length; i++) settle(batch[i] as Waiting<I, O>, i)
  }

  async function settlementOf(batch: Waiting<I, O>[]): Promise<(caller: Waiting<I, O>, i: number) => void> {
    try {
      const outputs = await run(batch.map((each) => each.input))
      invariant(outputs.length === batch.length, `coalesce: ${outputs.length} outputs for ${batch.length} inputs`)
      return (caller, i) => caller.resolve(outputs[i] as O)
    } catch (error) {
      return (caller) => caller.reject(error)
    }
  }

  return (input) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= queue_max) {
        reject(new QueueFullError(`more than ${queue_max} calls are waiting`))
        return
      }
      waiting.push({ input, resolve, reject })
      schedule()
    })
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** How many of the first inputs make one batch. */
function fitting<I>(waiting: { input: I }[], max: number, weigh: ((input: I) => number) | undefined): number {
  if (!weigh) return Math.min(waiting.length, max)
  let weight = 0
  for (let i = 0; i < waiting.length; i++) {
    weight += weigh((waiting[i] as { input: I }).input)
    if (weight > max) return Math.max(1, i)
  }
  return waiting.length
}
