import type { FastifyRequest } from 'fastify'
import { digestOf, isDeviceToken } from '../token.ts'
import { cookieOf } from './cookies.ts'

/** From what someone signs in. */
export interface Client {
  readonly ip: string
  /** As the client names itself, storable. */
  readonly user_agent: string
  readonly request_id?: string
  /** The digest of the token by which a browser was told to make itself known; undefined for one that has none. */
  readonly device: string | undefined
}

/** The cookie that makes a browser known to the accounts that signed in with it. It opens nothing. */
export const DEVICE_COOKIE = 'saldo_device'

/** As the columns take it. */
const USER_AGENT_MAX = 200

/** The client that sends this request. */
export function clientOf(request: FastifyRequest): Client {
  const token = cookieOf(request, DEVICE_COOKIE) ?? ''
  return {
    ip: request.ip,
    user_agent: storableAgent(request.headers['user-agent'] ?? ''),
    request_id: request.id,
    device: isDeviceToken(token) ? digestOf(token) : undefined,
  }
}

/** Headers may carry any byte; a text in PostgreSQL may not carry NUL, and no more than 200 characters are kept. */
function storableAgent(user_agent: string): string {
  return user_agent.replaceAll('\0', '').toWellFormed().slice(0, USER_AGENT_MAX).toWellFormed()
}
