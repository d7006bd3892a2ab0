import { isIP } from 'node:net'
import { isPublicAddress } from './address.ts'
import type { ResolveName } from './resolve-name.ts'

/**
 * Whether an address may be called as things are now, for telling its owner early: `address_refused` where its host is, or resolves to, anything that is not public,
 * `dns` where the name is not known. Undefined: nothing against it. The call itself checks again, and its own answer counts.
 */
export async function checkUrl(
  url: URL,
  options: { allow_private_addresses: boolean; resolveName: ResolveName },
): Promise<'address_refused' | 'dns' | undefined> {
  if (options.allow_private_addresses) return undefined
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(hostname) !== 0) return isPublicAddress(hostname) ? undefined : 'address_refused'
  try {
    const addresses = await options.resolveName(hostname)
    return addresses.every((each) => isPublicAddress(each.address)) ? undefined : 'address_refused'
  } catch {
    // Whatever the reason, the name leads nowhere at present.
    return 'dns'
  }
}
