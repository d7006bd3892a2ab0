import { Agent, get } from 'node:http'
import { parseArgs } from 'node:util'
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
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const count = rate * seconds
  const latencies = new Float64Array(count)
  let failed = 0
  const begin = performance.now()
  const answers: Promise<void>[] = []
  while (answers.length < count) {
    while (answers.length < count && begin + (answers.length * 1000) / rate <= performance.now()) {
      const i = answers.length
      answers.push(
        answered(url, { agent, headers }).then((ok) => {
          latencies[i] = performance.now() - begin - (i * 1000) / rate
          if (!ok) failed += 1
        }),
      )
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  await Promise.all(answers)
  const per_second = count / ((performance.now() - begin) / 1000)
  agent.destroy()
  latencies.sort()
  const [p50_ms, p99_ms] = [percentile(latencies, 0.5), percentile(latencies, 0.99)]
  return { requests: count, per_second, p50_ms, p99_ms, failed }
}

/** Whether the whole answer came, with status 200. */
function answered(url: string, options: { agent: Agent; headers: Record<string, string> }): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, options, (response) => {
      response.once('end', () => resolve(response.statusCode === 200)).once('error', () => resolve(false))
      response.resume()
    }).once('error', () => resolve(false))
  })
}

await main()
