import type { FastifyRequest } from 'fastify'
import { SESSION_COOKIE } from './authenticate.ts'

/** Hosts on which a browser reaches this machine itself, where no one listens between and HTTPS is rarely set up. */
const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/

/** The Set-Cookie that gives a browser its session, until `expires_at`. */
export function sessionCookie(request: FastifyRequest, token: string, expires_at: Date): string {
  return `${SESSION_COOKIE}=${token}; Path=/; Expires=${expires_at.toUTCString()}${attributes(request)}`
}

/** The Set-Cookie that takes it away. */
export function endedCookie(request: FastifyRequest): string {
  return `${SESSION_COOKIE}=; Path=/; Max-Age=0${attributes(request)}`
}

function attributes(request: FastifyRequest): string {
  const plain = request.protocol === 'http' && LOOPBACK.test(request.hostname)
  return `; HttpOnly; SameSite=Lax${plain ? '' : '; Secure'}`
}
