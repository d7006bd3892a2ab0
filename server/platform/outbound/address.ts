import ipaddr from 'ipaddr.js'

/** The part of IPv6 handed out for use on the public internet; all else is special or not handed out. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

/** Special, but within 2000::/3 and not known to ipaddr.js: documentation (RFC 9637). */
const DOCUMENTATION_IPV6 = ipaddr.IPv6.parseCIDR('3fff::/20')

/**
 * Whether an address, as a resolver or a socket gives it, belongs to one machine on the public internet. Private, loopback, link-local,
 * shared (CGNAT), multicast, reserved and documentation ranges do not. A mapped IPv4 address (::ffff:…) is judged as the IPv4 address that it is; the
 * other IPv6 forms that carry one within (NAT64, 6to4, Teredo) are not public, for a gateway decides where they lead. What is no address is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  return parsed instanceof ipaddr.IPv6 ? parsed.match(GLOBAL_IPV6) && !parsed.match(DOCUMENTATION_IPV6) : true
}
