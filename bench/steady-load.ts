import { parseArgs } from 'node:util'
import { type Dispatcher, Pool } from 'undici'
import { percentile } from './bench.ts'
import type { Load } from './product.ts'

/** Enough for the rate at many times the latency that is allowed; beyond, a request waits for a connection, and its wait counts. */
const CONNECTIONS = 64
/** The grain of timers. */
const TICK_MS = 1

/**
 * Reads one address at a steady rate, whatever the answers take: request i is due at i / rate, and its latency counts from then, so that a server that stalls
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
    },
  })
  const headers = Object.fromEntries(values.header.map((each) => each.split('=', 2)))
  const read = (seconds: string) => readSteadily(positionals[0] ?? '', headers, Number(values.rate), Number(seconds))
  // Both sides: the code of this process too is compiled by its use.
  await read(values['warm-up'])
  const result = await read(values.duration)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

async function readSteadily(
  url: string,
  headers: Record<string, string>,
  rate: number,
  seconds: number,
): Promise<Load> {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1 })
  const request = { method: 'GET', path: pathname + search, headers } as const
  const count = rate * seconds
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
  await pool.close()
  latencies.sort()
  const [p50_ms, p99_ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
  return { requests: count, per_second, p50_ms, p99_ms, failed }
}

/** Tells `then` once whether the whole answer came, with status 200. */
function whole(then: (ok: boolean) => void): Dispatcher.DispatchHandler {
  let status = 0
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_controller, code) => {
      status = code
    },
    onResponseData: () => undefined,
    onResponseEnd: () => then(status === 200),
    onResponseError: () => then(false),
  }
}

await main()
