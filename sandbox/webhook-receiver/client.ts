import { askDoor, queryOf } from '../door/ask-door.ts'
import type { FaultSetting } from '../door/faults.ts'
import type { Received, ReceiverSummary } from './deliveries.ts'
import type { ReceiverFault } from './faults.ts'

/** What is looked for among the requests that came; `after` is the number of one that was seen. */
export interface ReceivedWanted {
  hook?: string
  id?: string
  text?: string
  after?: number
}

/** The control door of a webhook receiver, typed. Throws an Error with the door's own message when it refuses. */
export interface ReceiverControl {
  /** Tells it the secrets by which hooks are signed, by the names of the hooks. */
  setSecrets(secrets: Record<string, string | readonly string[]>): Promise<void>
  /** What came, oldest first, up to `limit`, by default a hundred. */
  received(wanted?: ReceivedWanted & { limit?: number }): Promise<Received[]>
  /** The oldest request that is as wanted, also one that is still to come. */
  waitFor(wanted: ReceivedWanted & { timeout_ms?: number }): Promise<Received>
  summary(): Promise<ReceiverSummary>
  forget(): Promise<void>
  /** Cuts the connections of all requests that hang. */
  cut(): Promise<void>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<ReceiverFault, Partial<FaultSetting> | number>>): Promise<void>
  fired(): Promise<Record<string, number>>
}

/** A client of the webhook receiver at `url`. */
export function receiverControlOf(url: string): ReceiverControl {
  const ask = askDoor(`${url}/control`)
  return {
    setSecrets: async (secrets) => void (await ask('PUT', '/secrets', secrets)),
    received: async (wanted = {}) =>
      (await ask<{ received: Received[] }>('GET', `/received?${queryOf(wanted)}`)).received,
    waitFor: (wanted) => ask('GET', `/received/wait?${queryOf(wanted)}`),
    summary: () => ask('GET', '/summary'),
    forget: async () => void (await ask('POST', '/forget')),
    cut: async () => void (await ask('POST', '/cut')),
    setFaults: async (faults) => void (await ask('PUT', '/faults', faults)),
    fired: () => ask('GET', '/faults/fired'),
  }
}
