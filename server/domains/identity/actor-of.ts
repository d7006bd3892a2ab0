import type { FastifyRequest } from 'fastify'
import { knownPrincipal } from './guard-routes.ts'

/** Who did something, from where and in which request; what the audit keeps of them. */
export interface Actor {
  readonly kind: 'user' | 'system' | 'command'
  readonly user_id?: bigint
  readonly via?: 'session' | 'key'
  readonly key_id?: bigint
  readonly ip?: string
  readonly request_id?: string
  readonly user_agent?: string
}

/** The audit's own limit. */
const USER_AGENT_MAX = 200

/** Who sends this request, for the audit. At a public route the user is not known: the verb that finds them out adds `user_id`. */
export function actorOf(request: FastifyRequest): Actor {
  const principal = knownPrincipal(request)
  const user_agent = request.headers['user-agent']?.replaceAll('\0', '').toWellFormed().slice(0, USER_AGENT_MAX)
  return {
    kind: 'user',
    ...(principal && { user_id: principal.user_id, via: principal.via }),
    ...(principal?.key_id !== undefined && { key_id: principal.key_id }),
    ip: request.ip,
    request_id: request.id,
    ...(user_agent && { user_agent: user_agent.toWellFormed() }),
  }
}
