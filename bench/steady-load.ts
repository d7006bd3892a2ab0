import { parseArgs } from 'node:util'
import { type Dispatcher, Pool } from 'undici'
import { percentile } from './bench.ts'
import type { Load } from './product.ts'

/** The grain of timers. */
const TICK_MS = 1

/**
 * Asks one address at a steady rate, whatever the answers take: request i is due at i / rate, and its latency counts from then, so that a server that stalls
 * is charged for all that was due meanwhile. A generator that waits for answers before it asks again, or asks in bursts, would measure itself.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rate: { type: 'string', default: '2000' },
      'warm-up': { type: 'string', default: '2' },
      duration: { type: 'string', default: '3' },
      header: { type: 'string', multiple: true, default: [] },
      // Where there is one, it is posted.
      body: { type: 'string' },
      // Enough for the rate at many times the latency that is allowed; beyond, a request waits for a connection, and its wait counts.
      connections: { type: 'string', default: '64' },
    },
  })
  const { origin, pathname, search } = new URL(positionals[0] ?? '')
  const request: Dispatcher.DispatchOptions = {
    method: values.body === undefined ? 'GET' : 'POST',
    path: pathname + search,
    headers: Object.fromEntries(values.header.map((each) => each.split('=', 2))),
    ...(values.body !== undefined && { body: values.body }),
  }
  const pool = new Pool(origin, { connections: Number(values.connections), pipelining: 1 })
  const ask = (seconds: string) => askSteadily(pool, request, { rate: Number(values.rate), seconds: Number(seconds) })
  // Both sides: the code of this process too is compiled by its use, and who comes at a steady rate keeps its connections.
  await ask(values['warm-up'])
  process.stdout.write(`${JSON.stringify(await ask(values.duration))}\n`)
  await pool.close()
}

async function askSteadily(
  pool: Pool,
  request: Dispatcher.DispatchOptions,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<Load> {
  const count = Math.round(rate * seconds)
  const latencies = new Float64Array(count)
  const begin = performance.now()
  let failed = 0
  let answered = 0
  // What is kept of a request is its latency alone: a heap that grew over the run would be collected at the cost of what is measured.
  await new Promise<void>((done) => {
    let sent = 0
    const send = () => {
      for (; sent < count && begin + (sent * 1000) / rate <= performance.now(); sent++) {
        const due = begin + (sent * 1000) / rate
        const at = sent
        pool.dispatch(
          request,
          whole((ok) => {
            latencies[at] = performance.now() - due
            if (!ok) failed += 1
            answered += 1
            if (answered === count) done()
          }),
        )
      }
      if (sent < count) setTimeout(send, TICK_MS)
    }
    send()
  })
  const per_second = count / ((performance.now() - begin) / 1000)
  latencies.sort()
  const [p50_ms, p99_ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
  return { requests: count, per_second, p50_ms, p99_ms, failed }
}

/** Tells `then` once whether the whole answer came, with a status of success. */
function whole(then: (ok: boolean) => void): Dispatcher.DispatchHandler {
  let status = 0
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code) => {
      status = code
    },
    onResponseData: () => undefined,
    onResponseEnd: () => then(status >= 200 && status < 300),
    onResponseError: () => then(false),
  }
}

await main()
