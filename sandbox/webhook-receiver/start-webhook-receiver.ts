import { createServer } from 'node:http'
import { openFaults } from '../door/faults.ts'
import { answerAtDoor, listenOnLoopback } from '../door/open-door.ts'
import { CONTROL_ROUTES } from './control-door.ts'
import { newReceiver } from './deliveries.ts'
import { RECEIVER_FAULT_NAMES } from './faults.ts'
import { hookOf, takeDelivery } from './hook-door.ts'

/** Longer than any client of ours keeps an idle connection. */
const KEEP_ALIVE_MS = 120_000

/** A receiver of webhooks, running. */
export interface WebhookReceiver {
  /** The page that shows what came; hooks are at `/hooks/<any name>`, the control door under `/control`. */
  readonly url: string
  /** Ends at once; what is under way is cut. */
  close(): Promise<void>
}

/** Starts a receiver of webhooks on the loopback. Port 0 or none: a free one. Rejects when it is taken. */
export async function startWebhookReceiver(options: { port?: number } = {}): Promise<WebhookReceiver> {
  const receiver = newReceiver(openFaults(RECEIVER_FAULT_NAMES))
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const hook = hookOf(request)
    if (hook === undefined) {
      void answerAtDoor(CONTROL_ROUTES, receiver, request, response)
      return
    }
    takeDelivery(receiver, hook, request, response).catch((error: Error) => {
      // A caller that went away while sending is no failure of ours.
      if (!request.complete) return
      process.stderr.write(`webhook receiver: ${error.stack}\n`)
      response.destroy()
    })
  })
  const port = await listenOnLoopback(server, options.port ?? 0)
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
