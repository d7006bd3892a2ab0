import { askDoor } from '../door/ask-door.ts'
import type { FaultSetting } from '../door/faults.ts'
import type { SentryFault } from './faults.ts'
import type { Ingest } from './ingest.ts'

/** The control door of the simulated Sentry, typed. Throws an Error with the door's own message when it refuses. */
export interface SentryControl {
  /** What was taken, oldest first, and how many requests came. */
  received(): Promise<Pick<Ingest, 'requests' | 'events'>>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<SentryFault, Partial<FaultSetting> | number>>): Promise<void>
}

/** A client of the simulated Sentry at `url`. */
export function sentryControlOf(url: string): SentryControl {
  const ask = askDoor(`${url}/control`)
  return {
    received: () => ask('GET', '/events'),
    setFaults: async (faults) => void (await ask('PUT', '/faults', faults)),
  }
}
