import { promises as dns, type LookupAddress, lookup } from 'node:dns'

/** All addresses of a name. Rejects when there is none, or when nobody answers. */
export type ResolveName = (hostname: string) => Promise<LookupAddress[]>

/** As the system does it: with its hosts file and its search domains. Uses one of Node's few threads while it lasts. */
export const resolveBySystem: ResolveName = (hostname) =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)))
  })

/** Of one question to one name server; it is asked twice. */
const TIMEOUT_MS = 1_500
const TRIES = 2

/** RFC 6761: these are this machine, and nobody is asked. */
const LOCALHOST = /^(?:.+\.)?localhost\.?$/i

/**
 * By name servers alone (`servers`, else those of the system), without a thread: names whose servers never answer hold up nobody else, which the system's
 * way cannot promise. For names that strangers choose. IPv4 comes first.
 */
export function resolveByDns(servers?: readonly string[]): ResolveName {
  const resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers) resolver.setServers(servers)
  return async (hostname) => {
    if (LOCALHOST.test(hostname)) return addressesOf(['127.0.0.1'], ['::1'])
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = addressesOf(foundOf(four), foundOf(six))
    if (addresses.length === 0) throw four.status === 'rejected' ? four.reason : new Error('the name has no address')
    return addresses
  }
}

function addressesOf(four: readonly string[], six: readonly string[]): LookupAddress[] {
  return [...four.map((address) => ({ address, family: 4 })), ...six.map((address) => ({ address, family: 6 }))]
}

function foundOf(settled: PromiseSettledResult<string[]>): string[] {
  return settled.status === 'fulfilled' ? settled.value : []
}
