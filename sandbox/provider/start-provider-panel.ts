import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { invariant } from '#server/kit/invariant.ts'
import { API_PATH, handleApi } from './api-door.ts'
import { CATALOGUE, type CatalogueItem } from './catalogue.ts'
import { CONTROL_PATH, handleControl } from './control-door.ts'
import { INPUT, readInput } from './control-input.ts'
import { readAmount } from './money.ts'
import { clearPanel, type Extensions, type Pace, type Panel, type PanelService } from './panel.ts'
import { jsonReply, sendReply } from './reply.ts'
import { openStateFile } from './state-file.ts'

/** Quick enough to be watched in a demo. */
const PACE: Pace = { complete_ms_min: 20_000, complete_ms_max: 60_000, post_every_ms: 20_000 }

/** Pays for the demo many times over. */
const BALANCE = '25000.00'

/** Ids start here, as on a panel that has been in business for a while. */
const ORDER_ID_FIRST = 100_001

/** Longer than any client of ours keeps an idle connection, so that it is never cut under a request by chance. */
const KEEP_ALIVE_MS = 120_000

export interface ProviderPanelOptions {
  /** 0 or absent: a free port. */
  port?: number | undefined
  host?: '127.0.0.1' | undefined
  key: string
  /** When set, the control door wants `Authorization: Bearer <control_token>`. */
  control_token?: string | undefined
  /** Opening balance, a decimal. */
  balance?: string | undefined
  currency?: string | undefined
  catalogue?: readonly CatalogueItem[] | undefined
  /** Where orders and balance outlive the process; without it they do not. */
  state_file?: string | undefined
  /** Each answer of the API is held back by this. */
  delay_ms?: number | undefined
  pace?: Pace | undefined
  /** Absent: a plain panel. */
  extensions?: Partial<Extensions> | undefined
  seed?: number | undefined
  first_order_id?: number | undefined
  /** The panel's clock, in milliseconds since 1970; for tests. */
  now_ms?: (() => number) | undefined
}

export interface ProviderPanel {
  /** The address of its API. */
  readonly url: string
  readonly control_url: string
  readonly port: number
  readonly key: string
  /** Ends at once: requests under way are cut, the state file is complete. */
  close(): Promise<void>
}

/** Starts a provider panel on the loopback. Rejects for a bad option, an unreadable state file or a busy port. */
export async function startProviderPanel(options: ProviderPanelOptions): Promise<ProviderPanel> {
  const panel = createPanel(options)
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const path = request.url ?? ''
    const handled = path.startsWith(`${CONTROL_PATH}/`)
      ? handleControl(panel, request, response)
      : isApi(path)
        ? handleApi(panel, request, response)
        : Promise.resolve(sendReply(response, jsonReply({ error: 'Not found' }, 404)))
    handled.catch((error: Error) => {
      // A caller that went away while sending is no failure of the panel.
      if (request.destroyed && !request.complete) return
      process.stderr.write(`provider panel: ${error.stack}\n`)
      sendReply(response, jsonReply({ error: 'Internal error' }, 500))
    })
  })
  const port = await listen(server, options.port ?? 0, options.host ?? '127.0.0.1')
  // After the port: a second start on the same port must not touch the file of the first. No request is read before this turn ends.
  try {
    if (options.state_file !== undefined) panel.state_file = openStateFile(options.state_file, panel)
  } catch (error) {
    server.close()
    throw error
  }
  const origin = `http://127.0.0.1:${port}`
  return {
    url: `${origin}${API_PATH}`,
    control_url: `${origin}${CONTROL_PATH}`,
    port,
    key: options.key,
    close: () => stop(server, panel),
  }
}

function createPanel(options: ProviderPanelOptions): Panel {
  invariant(options.key !== '', 'key: must not be empty')
  const pace = readInput(INPUT.pace, options.pace ?? PACE, 'pace')
  const extensions = readInput(INPUT.extensions, options.extensions ?? {}, 'extensions')
  const { balance: opening = 0n } = readInput(INPUT.balance, { balance: options.balance ?? BALANCE })
  const panel: Panel = {
    key: options.key,
    control_token: options.control_token,
    currency: options.currency ?? 'USD',
    seed: options.seed ?? 1,
    delay_ms: options.delay_ms ?? 0,
    now_ms: options.now_ms ?? Date.now,
    first_services: (options.catalogue ?? CATALOGUE).map(offer),
    first_pace: pace,
    first_extensions: extensions,
    pace,
    extensions,
    services: new Map(),
    opening,
    added: 0n,
    balance: opening,
    next_order_id: options.first_order_id ?? ORDER_ID_FIRST,
    orders: [],
    orders_by_id: new Map(),
    orders_by_link: new Map(),
    refills: [],
    refunding: new Set(),
    refund_due_ms: Number.POSITIVE_INFINITY,
    posting: new Set(),
    faults: new Map(),
    faults_fired: new Map(),
    requests: new Map(),
    request_number: 0,
    state_file: undefined,
  }
  clearPanel(panel)
  return panel
}

function offer(item: CatalogueItem): PanelService {
  const rate = readAmount(item.rate)
  invariant(
    rate !== undefined && rate >= 0n,
    `catalogue, service ${item.service}: rate must be a decimal, not below zero`,
  )
  invariant(item.min >= 1 && item.min <= item.max, `catalogue, service ${item.service}: min must be in 1 … max`)
  return { ...item, rate, disabled: false }
}

function isApi(path: string): boolean {
  if (!path.startsWith(API_PATH)) return false
  const rest = path.slice(API_PATH.length).replace(/^\//, '')
  return rest === '' || rest.startsWith('?')
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port))
  })
}

function stop(server: Server, panel: Panel): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => {
      if (error) return reject(error)
      panel.state_file?.rewrite(panel)
      panel.state_file?.close()
      resolve()
    })
    server.closeAllConnections()
  })
}
