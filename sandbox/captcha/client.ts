import { askDoor } from '../door/ask-door.ts'
import type { FaultSetting } from '../door/faults.ts'
import type { CaptchaFault } from './faults.ts'
import type { Site } from './site.ts'

/** The control door of the simulated captcha, typed. Throws an Error with the door's own message when it refuses. */
export interface CaptchaControl {
  /** A visitor solves the widget; answers the token. */
  solve(widget?: { action?: string; hostname?: string }): Promise<string>
  /** What was checked, oldest first. */
  checks(): Promise<Site['checks']>
  /** Replaces all faults; a bare number is a probability, {} switches all off. */
  setFaults(faults: Partial<Record<CaptchaFault, Partial<FaultSetting> | number>>): Promise<void>
  fired(): Promise<Record<string, number>>
}

/** A client of the simulated captcha at `url`. */
export function captchaControlOf(url: string): CaptchaControl {
  const ask = askDoor(`${url}/control`)
  return {
    solve: async (widget = {}) => (await ask<{ token: string }>('POST', '/tokens', widget)).token,
    checks: async () => (await ask<{ checks: Site['checks'] }>('GET', '/checks')).checks,
    setFaults: async (faults) => void (await ask('PUT', '/faults', faults)),
    fired: () => ask('GET', '/faults/fired'),
  }
}
