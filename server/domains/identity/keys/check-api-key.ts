import { countedNetwork } from '#server/platform/limits/network.ts'
import { isAllowed } from '../allowed-ips.ts'
import { isStaffAddress, StaffNetworkError } from '../areas/staff-networks.ts'
import type { Authentication } from '../authentication.ts'
import { AddressNotAllowedError, ApiKeySuspendedError, InvalidApiKeyError } from '../errors.ts'
import { principalNow } from '../must.ts'
import type { Principal } from '../principal.ts'
import { digestOf, isApiKey } from '../token.ts'
import { NETWORKS_MAX } from './key-use.ts'

/**
 * Whose key `presented` is, used from `ip` at `door`; every request of a reseller passes here. A refusal is answered, not thrown, since each door has its own form of it;
 * the key is in none of them. There is no limit to failures here: 256 random bits are not guessed, and unknown keys are read in few, large batches.
 * Throws only BusyError, or when the database is lost.
 */
export async function checkApiKey(
  authentication: Authentication,
  presented: string,
  ip: string,
  door: 'rest' | 'panel' = 'rest',
): Promise<Principal | InvalidApiKeyError | AddressNotAllowedError | ApiKeySuspendedError | StaffNetworkError> {
  if (!isApiKey(presented)) return new InvalidApiKeyError()
  const credential = await authentication.keys.find(digestOf(presented))
  if (!credential) return new InvalidApiKeyError()
  if (credential.expires_ms !== undefined && credential.expires_ms <= authentication.clock.now().getTime()) {
    return new InvalidApiKeyError()
  }
  const tally = authentication.key_use.of(credential.key_id)
  if (!isAllowed(credential.networks, ip)) {
    tally.foreign_requests += 1
    return new AddressNotAllowedError()
  }
  if (credential.suspended) return new ApiKeySuspendedError()
  if (credential.principal.staff && !isStaffAddress(authentication.settings, ip)) return new StaffNetworkError()
  authentication.keys_used.touch(credential, credential.key_id)
  tally[door === 'rest' ? 'rest_requests' : 'panel_requests'] += 1
  if (tally.networks.size < NETWORKS_MAX) tally.networks.add(countedNetwork(ip))
  return principalNow(authentication.settings, credential)
}
