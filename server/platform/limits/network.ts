import ipaddr from 'ipaddr.js'

/** The IPv4 address, or the /64 of IPv6, which is what one customer of a carrier holds: the unit of counting. `unknown` for what is no address. */
export function countedNetwork(ip: string): string {
  // Most are, and have but one spelling.
  if (ipaddr.IPv4.isValidFourPartDecimal(ip)) return ip
  const [address = ''] = ip.split('%')
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return 'unknown'
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  return ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString()
}
