import { openFaults } from '../door/faults.ts'
import { openDoor } from '../door/open-door.ts'
import { API_ROUTES } from './api-door.ts'
import { CONTROL_ROUTES } from './control-door.ts'
import { CAPTCHA_FAULT_NAMES } from './faults.ts'
import type { Site } from './site.ts'

/** A simulated captcha provider with one site, running. */
export interface Captcha {
  /** Without a path; the control door is under `/control`. */
  readonly url: string
  /** Where tokens are checked. */
  readonly verify_url: string
  /** Ends at once; what is under way is cut. */
  close(): Promise<void>
}

/** Starts it on the loopback. Port 0 or none: a free one. Rejects when the port is taken. */
export async function startCaptcha(options: { secret: string; port?: number }): Promise<Captcha> {
  const site: Site = { secret: options.secret, faults: openFaults(CAPTCHA_FAULT_NAMES), tokens: new Map(), checks: [] }
  const door = await openDoor([...API_ROUTES, ...CONTROL_ROUTES], site, options.port ?? 0)
  return { url: door.url, verify_url: `${door.url}/turnstile/v0/siteverify`, close: door.close }
}
