import type { IncomingHttpHeaders } from 'node:http'

/** What of a request decides the name and the attributes of its cookies. */
export interface CookieRequest {
  readonly headers: IncomingHttpHeaders
  readonly protocol: string
  /** Without port, as the browser addressed us. */
  readonly hostname: string
}

/** Hosts on which a browser reaches this machine itself, where no one listens between and HTTPS is rarely set up. */
const LOOPBACK = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/

/** The cookie `name` that the request carries. Two of the name are none: one of them was planted from a neighbouring domain. */
export function cookieOf(request: CookieRequest, name: string): string | undefined {
  const { cookie } = request.headers
  if (cookie === undefined) return undefined
  const start = `${fullName(request, name)}=`
  const found = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start))
  return found.length === 1 ? found[0]?.slice(start.length) : undefined
}

/** The Set-Cookie that gives a browser `name` until `expires_at`; no script can read it, and no other site's request that changes something carries it. */
export function cookieTo(request: CookieRequest, name: string, value: string, expires_at: Date): string {
  return `${fullName(request, name)}=${value}; Path=/; Expires=${expires_at.toUTCString()}${attributes(request)}`
}

/** The Set-Cookie that takes `name` away. */
export function cookieAway(request: CookieRequest, name: string): string {
  return `${fullName(request, name)}=; Path=/; Max-Age=0${attributes(request)}`
}

/** With the prefix browsers take the cookie from this very host over HTTPS alone, so that no neighbouring domain and nobody on the line can plant one. */
function fullName(request: CookieRequest, name: string): string {
  return isPlain(request) ? name : `__Host-${name}`
}

function attributes(request: CookieRequest): string {
  return `; HttpOnly; SameSite=Lax${isPlain(request) ? '' : '; Secure'}`
}

function isPlain(request: CookieRequest): boolean {
  return request.protocol === 'http' && LOOPBACK.test(request.hostname)
}
