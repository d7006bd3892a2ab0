/** More callers are waiting than the queue takes. Nothing was begun for this one. */
export class QueueFullError extends Error {
  override name = 'QueueFullError'
}

export interface CoalesceOptions {
  /** Inputs a batch. */
  max: number
  /** Batches under way at once. */
  lanes: number
  /** Inputs that may wait; one more is refused. */
  queue_max: number
}

interface Waiting<I, O> {
  input: I
  resolve: (output: O) => void
  reject: (reason: unknown) => void
}

/**
 * Turns concurrent single calls into batches: a call that finds a free lane starts at the end of the current turn of the event loop, together with all that came
 * in that turn; while all lanes are busy, calls gather. Output i answers input i. When `run` throws, every caller of that batch
 * gets the error. Throws QueueFullError beyond `queue_max`.
 */
export function coalesce<I, O>(run: (inputs: I[]) => Promise<O[]>, options: CoalesceOptions): (input: I) => Promise<O> {
  let waiting: Waiting<I, O>[] = []
  let busy = 0
  let scheduled = false

  function schedule(): void {
    if (scheduled || busy >= options.lanes || waiting.length === 0) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      void start()
    })
  }

  async function start(): Promise<void> {
    if (waiting.length === 0) return
    const batch = waiting.length <= options.max ? waiting : waiting.slice(0, options.max)
    waiting = batch === waiting ? [] : waiting.slice(options.max)
    busy += 1
    schedule()
    let outputs: O[]
    try {
      outputs = await run(batch.map((each) => each.input))
    } catch (error) {
      busy -= 1
      schedule()
      for (const each of batch) each.reject(error)
      return
    }
    busy -= 1
    // The next batch leaves before this one's callers go on: they work while it is on its way.
    if (waiting.length > 0) void start()
    for (let i = 0; i < batch.length; i++) (batch[i] as Waiting<I, O>).resolve(outputs[i] as O)
  }

  return (input) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= options.queue_max) {
        reject(new QueueFullError(`more than ${options.queue_max} calls are waiting`))
        return
      }
      waiting.push({ input, resolve, reject })
      schedule()
    })
}
