import type { FastifyRequest } from 'fastify'
import { presentedBy } from '#server/domains/identity/authenticate.ts'
import type { Authentication } from '#server/domains/identity/authentication.ts'
import { ApiKeySuspendedError } from '#server/domains/identity/errors.ts'
import { checkApiKey } from '#server/domains/identity/keys/check-api-key.ts'
import type { Principal } from '#server/domains/identity/principal.ts'
import { ProblemError } from '#server/platform/http/problem.ts'

/**
 * Whose key the request carries: in its body, in a header, or, for keys whose owner allows it, in its URL. Undefined when there is none that holds:
 * the form has one text for all of that, but for a key that is suspended.
 */
export async function identify(
  authentication: Authentication,
  request: FastifyRequest,
  in_body: string | undefined,
  in_url: string | undefined,
): Promise<Principal | 'suspended' | undefined> {
  const key = in_body ?? keyInHeaders(request)
  const principal = await checkApiKey(authentication, (key ?? in_url ?? '').trim(), request.ip, 'panel')
  if (principal instanceof ApiKeySuspendedError) return 'suspended'
  if (principal instanceof ProblemError) return undefined
  // URLs end up in the logs of proxies: a key stands there only where its owner has chosen so.
  return key === undefined && !principal.legacy_get ? undefined : principal
}

function keyInHeaders(request: FastifyRequest): string | undefined {
  const presented = presentedBy(request)
  return presented.how === 'key' ? presented.key : undefined
}
