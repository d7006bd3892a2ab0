import ipaddr from 'ipaddr.js'

/** Enough for every office of a reseller; each entry is compared at each request. */
export const ALLOWED_IPS_MAX = 50

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/**
 * The network that `text` names, as PostgreSQL writes a cidr: an address alone or with a prefix length, IPv4 in four decimal parts only, IPv6 without zone.
 * Host bits are cleared, IPv4-mapped IPv6 becomes IPv4. Undefined for all else, octal and shortened IPv4 among it.
 */
export function normalNetwork(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.trim().split('/')
  if (rest.length > 0 || (bits !== undefined && !/^(0|[1-9]\d{0,2})$/.test(bits))) return undefined
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return networkOf(ipaddr.IPv4, address, Number(bits ?? 32), 32)
  if (address.includes('%') || !address.includes(':') || !ipaddr.IPv6.isValid(address)) return undefined
  const parsed = ipaddr.IPv6.parse(address)
  const length = Number(bits ?? 128)
  if (!parsed.isIPv4MappedAddress()) return networkOf(ipaddr.IPv6, address, length, 128)
  if (length < 96 || length > 128) return undefined
  return networkOf(ipaddr.IPv4, parsed.toIPv4Address().toString(), length - 96, 32)
}

function networkOf(
  family: typeof ipaddr.IPv4 | typeof ipaddr.IPv6,
  address: string,
  length: number,
  length_max: number,
) {
  if (length > length_max) return undefined
  return `${family.networkAddressFromCIDR(`${address}/${length}`).toString()}/${length}`
}

/** Networks as stored, ready to be compared. */
export function parseNetworks(stored: readonly string[]): Network[] {
  return stored.map((each) => ipaddr.parseCIDR(each))
}

/** Whether `ip`, as the socket or the trusted proxy names it, lies in one of the networks. No networks: everywhere is allowed. */
export function isAllowed(networks: readonly Network[], ip: string): boolean {
  if (networks.length === 0) return true
  const address = parseAddress(ip)
  return address !== undefined && networks.some((network) => sameFamily(network[0], address) && address.match(network))
}

/** An address as PostgreSQL's inet takes it; undefined when it is none. */
export function normalAddress(ip: string): string | undefined {
  return parseAddress(ip)?.toString()
}

function parseAddress(ip: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [address = ''] = ip.split('%')
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address)
  return address.includes(':') && ipaddr.IPv6.isValid(address) ? ipaddr.process(address) : undefined
}

function sameFamily(a: ipaddr.IPv4 | ipaddr.IPv6, b: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return a.kind() === b.kind()
}
