import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { buildConnector } from 'undici'
import { isPublicAddress } from './address.ts'
import type { OutboundFailure } from './outbound.ts'
import type { ResolveName } from './resolve-name.ts'

/** A connection that takes longer is given up, also where the call itself would wait. */
const CONNECT_TIMEOUT_MS = 10_000

/** Why no connection stands. Nothing of a request was written. */
export class ConnectError extends Error {
  override name = 'ConnectError'
  readonly failure: OutboundFailure

  constructor(failure: OutboundFailure, cause: unknown) {
    super(`no connection: ${failure}`, { cause })
    this.failure = failure
  }
}

/**
 * Opens connections for undici. The addresses a name resolves to are checked, and the connection goes to one of exactly those: a name that
 * answers differently the second time gains nothing. One address in the answer that is not public refuses the name.
 * Fails with ConnectError.
 */
export function guardedConnector(allow_private_addresses: boolean, resolveName: ResolveName): buildConnector.connector {
  const open = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    lookup: lookupBy(resolveName, allow_private_addresses ? () => undefined : refusalOf),
    autoSelectFamily: true,
    // Sessions are not resumed: a saved handshake is not worth a certificate that is not looked at again.
    maxCachedSessions: 0,
  })
  return (target, callback) => {
    const hostname = target.hostname.replace(/^\[|\]$/g, '')
    if (!allow_private_addresses && isIP(hostname) !== 0 && !isPublicAddress(hostname)) {
      const refused = new ConnectError('address_refused', new Error(`${hostname} is not a public address`))
      queueMicrotask(() => callback(refused, null))
      return
    }
    let reached = false
    const socket = open({ ...target, hostname }, (error, connected) => {
      if (error) callback(connectErrorOf(error, target.protocol, reached), null)
      else if (!allow_private_addresses && !isPublicAddress(connected.remoteAddress ?? '')) {
        connected.destroy()
        callback(new ConnectError('address_refused', new Error('connected to an address that is not public')), null)
      } else callback(null, connected)
    }) as unknown as Socket
    // For TLS this comes before the handshake.
    socket.once('connect', () => {
      reached = true
    })
  }
}

function connectErrorOf(error: Error, protocol: string, reached: boolean): ConnectError {
  if (error instanceof ConnectError) return error
  return new ConnectError(protocol === 'https:' && reached ? 'tls' : 'connect', error)
}

function refusalOf(addresses: readonly LookupAddress[]): ConnectError | undefined {
  const refused = addresses.find((each) => !isPublicAddress(each.address))
  return refused && new ConnectError('address_refused', new Error(`the name resolves to ${refused.address}`))
}

/** One question for each connection, whose answer is checked and is where the connection goes. */
function lookupBy(
  resolveName: ResolveName,
  refusal: (addresses: readonly LookupAddress[]) => ConnectError | undefined,
): LookupFunction {
  return (hostname, { family, all }, callback) => {
    resolveName(hostname).then(
      (resolved) => {
        const addresses = family === 4 || family === 6 ? resolved.filter((each) => each.family === family) : resolved
        const [first] = addresses
        const failed = refusal(addresses) ?? (first ? undefined : new ConnectError('dns', new Error('no address')))
        if (failed) callback(failed, '')
        else if (all) callback(null, addresses)
        else callback(null, first?.address ?? '', first?.family)
      },
      (error: unknown) => callback(new ConnectError('dns', error), ''),
    )
  }
}
