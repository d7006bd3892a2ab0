import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { openLog } from '../telemetry/log.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { type Http, type HttpApp, type HttpOptions, openHttp } from './http.ts'

/** A listening server with the routes that a test registers; stopped when the test ends. */
export async function testServer(routes: (app: HttpApp, http: Http) => void, options: Partial<HttpOptions> = {}) {
  const lines: Record<string, unknown>[] = []
  const log = openLog({ level: 'debug', destination: { write: (line) => lines.push(JSON.parse(line)) } })
  const metrics = openMetrics()
  const http = openHttp({ config: { trust_proxy: [], public_url: undefined }, log, metrics, checks: {}, ...options })
  routes(http.app, http)
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => http.stop({ timeout_ms: 0 }))
  return {
    http,
    url,
    lines,
    metrics,
    /** A request, its answer read as a problem or other JSON. */
    ask: async (path: string, init: RequestInit = {}) => {
      const response = await fetch(url + path, { redirect: 'manual', ...init })
      const text = await response.text()
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: text.startsWith('{') ? JSON.parse(text) : undefined,
      }
    },
    post: async (
      path: string,
      body: unknown,
      headers: Record<string, string> = { 'content-type': 'application/json' },
    ) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const response = await fetch(url + path, { method: 'POST', body: text, headers })
      // Each test knows the form it asks for.
      const answer = JSON.parse(await response.text())
      return { status: response.status, headers: response.headers, body: answer }
    },
    /** A bare connection. `read` answers what came until the server closes it. */
    raw: () => rawConnection(Number(new URL(url).port)),
  }
}

async function rawConnection(port: number): Promise<{ socket: Socket; read: () => Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return { socket, read: () => closed.then(() => received) }
}
