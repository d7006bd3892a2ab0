import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Faults } from '../door/faults.ts'
import type { CaptchaFault } from './faults.ts'

/** As long as a real token may be used. */
const TOKEN_TTL_MS = 300_000

interface Token {
  action: string
  hostname: string
  made_ms: number
  /** The idempotency key under which it was spent; '' for none. */
  spent: string | undefined
}

/** A site of the captcha's provider: one secret, the tokens that its widget gave out, and what was asked. */
export interface Site {
  readonly secret: string
  readonly faults: Faults<CaptchaFault>
  readonly tokens: Map<string, Token>
  /** Checks, with the address that was named for the visitor. The secret is not kept. */
  readonly checks: {
    token: string
    remoteip: string | undefined
    idempotency_key: string | undefined
    success: boolean
  }[]
}

/** What the real one says of a token. */
export interface Verdict {
  success: boolean
  'error-codes': string[]
  challenge_ts?: string
  hostname?: string
  action?: string
  cdata?: string
}

/** A visitor solves the widget: a token for one check. */
export function solve(site: Site, { action, hostname }: { action: string; hostname: string }): string {
  const token = `0.${randomBytes(24).toString('base64url')}`
  site.tokens.set(token, { action, hostname, made_ms: Date.now(), spent: undefined })
  return token
}

/** The verdict on a token; it is spent by it, but asked again under the same idempotency key the verdict is the same. */
export function judge(
  site: Site,
  asked: { secret: string; response: string; idempotency_key?: string | undefined },
): Verdict {
  if (asked.secret === '') return refusal('missing-input-secret')
  if (!sameText(asked.secret, site.secret)) return refusal('invalid-input-secret')
  if (asked.response === '') return refusal('missing-input-response')
  const token = site.tokens.get(asked.response)
  if (!token) return refusal('invalid-input-response')
  const again =
    token.spent !== undefined && asked.idempotency_key !== undefined && token.spent === asked.idempotency_key
  if ((token.spent !== undefined && !again) || Date.now() - token.made_ms > TOKEN_TTL_MS) {
    return refusal('timeout-or-duplicate')
  }
  token.spent = asked.idempotency_key ?? ''
  const { action, hostname, made_ms } = token
  return {
    success: true,
    'error-codes': [],
    challenge_ts: new Date(made_ms).toISOString(),
    hostname,
    action,
    cdata: '',
  }
}

/** A verdict that refuses. */
export function refusal(code: string): Verdict {
  return { success: false, 'error-codes': [code] }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
