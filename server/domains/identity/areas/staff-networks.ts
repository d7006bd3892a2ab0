import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { defineSetting } from '#server/platform/settings/setting.ts'
import { isAllowed, normalNetwork, parseNetworks } from '../allowed-ips.ts'

/** Offices, and the house's own network; each entry is compared at each request of staff. */
const NETWORKS_MAX = 50

export const staffNetworks = defineSetting({
  name: 'staff.networks',
  schema: z
    .array(z.string().refine((text) => normalNetwork(text) !== undefined, 'must be an address or network'))
    .max(NETWORKS_MAX),
  default: [],
  description:
    'The addresses and networks, such as 192.0.2.0/24, from which staff may sign in and work, by session or key. Empty: from everywhere. Who would lock themselves out by it, or open it to everywhere, has to confirm.',
})

/** The house's own people come from its networks alone. */
export class StaffNetworkError extends ProblemError {
  override name = 'StaffNetworkError'
  constructor() {
    super({ code: 'address_not_allowed', status: 403, title: 'Staff may not work from this address' })
  }
}

/** The list would shut out whoever sets it. */
class LocksOutError extends ProblemError {
  override name = 'LocksOutError'
  constructor(ip: string) {
    super({
      code: 'locks_you_out',
      status: 409,
      title: 'This would lock you out',
      detail: `Your address ${ip} is in none of these networks. Send "confirm": true if that is meant.`,
      field: 'value',
    })
  }
}

/** Nothing would hold staff back any more, wherever they are. */
class OpensToAllError extends ProblemError {
  override name = 'OpensToAllError'
  constructor() {
    super({
      code: 'opens_to_all',
      status: 409,
      title: 'This would let staff in from everywhere',
      detail: 'An empty list allows every address. Send "confirm": true if that is meant.',
      field: 'value',
    })
  }
}

/** Lists are shared and frozen, so each is read once. */
const read = new WeakMap<readonly string[], ReturnType<typeof parseNetworks>>()

/** Whether staff may work from `ip`, which is the socket's address or what a trusted proxy names. */
export function isStaffAddress(settings: App['settings'], ip: string): boolean {
  const list = settings.read(staffNetworks)
  if (list.length === 0) return true
  let networks = read.get(list)
  if (!networks) {
    networks = parseNetworks(list.map((text) => normalNetwork(text) as string))
    read.set(list, networks)
  }
  return isAllowed(networks, ip)
}

/**
 * Throws LocksOutError when `value`, as the new list, would not let `ip` in, and OpensToAllError when it ends all restriction. A value that is no list is for
 * the setting itself to refuse.
 */
export function refuseUnmeant(settings: App['settings'], value: unknown, ip: string): void {
  const parsed = staffNetworks.schema.safeParse(value)
  if (!parsed.success) return
  if (parsed.data.length === 0) {
    if (settings.read(staffNetworks).length > 0) throw new OpensToAllError()
    return
  }
  const networks = parseNetworks(parsed.data.map((text) => normalNetwork(text) as string))
  if (!isAllowed(networks, ip)) throw new LocksOutError(ip)
}
