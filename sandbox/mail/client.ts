import { askDoor, queryOf } from '../door/ask-door.ts'
import type { FaultSetting } from '../door/faults.ts'
import type { MailFault } from './faults.ts'
import type { CaughtMail, MailWanted } from './mails.ts'

/** The control door of a mail catcher, typed. Throws an Error with the door's own message when it refuses. */
export interface MailControl {
  /** Newest first. */
  mails(wanted?: MailWanted): Promise<CaughtMail[]>
  /** The oldest mail that is as wanted, also one that is still to come. */
  waitFor(wanted: MailWanted & { timeout_ms?: number }): Promise<CaughtMail>
  clear(): Promise<void>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<MailFault, Partial<FaultSetting> | number>>): Promise<void>
  fired(): Promise<Record<string, number>>
}

/** A client of the mail catcher at `url`. */
export function mailControlOf(url: string): MailControl {
  const ask = askDoor(`${url}/control`)
  return {
    mails: async (wanted = {}) => (await ask<{ mails: CaughtMail[] }>('GET', `/mails?${queryOf(wanted)}`)).mails,
    waitFor: (wanted) => ask('GET', `/mails/wait?${queryOf(wanted)}`),
    clear: async () => void (await ask('DELETE', '/mails')),
    setFaults: async (faults) => void (await ask('PUT', '/faults', faults)),
    fired: () => ask('GET', '/faults/fired'),
  }
}
