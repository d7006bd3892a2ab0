import type { FastifyRequest } from 'fastify'
import type { Actor } from '#server/domains/audit/act.ts'
import { knownPrincipal } from './guard-routes.ts'

/** Who sends this request, for the audit. At a public route the user is not known: the verb that finds out who it is adds `user_id`. */
export function actorOf(request: FastifyRequest): Actor {
  const principal = knownPrincipal(request)
  const user_agent = request.headers['user-agent']
  return {
    kind: 'user',
    ...(principal && { user_id: principal.user_id, via: principal.via }),
    ...(principal?.key_id !== undefined && { key_id: principal.key_id }),
    ip: request.ip,
    request_id: request.id,
    ...(user_agent !== undefined && { user_agent }),
  }
}
