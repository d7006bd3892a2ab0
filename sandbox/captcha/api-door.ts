import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { DoorRoute } from '../door/open-door.ts'
import { htmlReply, jsonReply, type Reply } from '../provider/reply.ts'
import { judge, refusal, type Site, type Verdict } from './site.ts'

/** As the real one bounds it. */
const TOKEN_MAX = 2_048

const ASKED = z.object({
  secret: z.string().default(''),
  response: z.string().max(TOKEN_MAX).default(''),
  remoteip: z.string().optional(),
  idempotency_key: z.uuid().optional(),
})

/** Turnstile's check of a token, by form or JSON. */
export const API_ROUTES: readonly DoorRoute<Site>[] = [
  ['POST', /^\/turnstile\/v0\/siteverify$/, ({ world, body }) => verify(world, body)],
]

async function verify(site: Site, body: unknown): Promise<Reply> {
  const parsed = ASKED.safeParse(body)
  if (!parsed.success) return jsonReply(refusal('bad-request'))
  const asked = parsed.data
  const slow = site.faults.strikes('delay', asked.response)
  if (slow) await delay(slow.ms ?? 3_000)
  const broken = site.faults.strikes('http_5xx', asked.response)
  if (broken) return htmlReply(broken.code ?? 503, 'Service Unavailable')
  if (site.faults.strikes('hang', asked.response)) return { how: 'hang' }
  if (site.faults.strikes('internal_error', asked.response)) return jsonReply(refusal('internal-error'))
  if (site.faults.strikes('duplicate', asked.response)) return jsonReply(refusal('timeout-or-duplicate'))
  const verdict = judge(site, asked)
  site.checks.push({
    token: asked.response,
    remoteip: asked.remoteip,
    idempotency_key: asked.idempotency_key,
    success: verdict.success,
  })
  return spoiled(site, asked.response, verdict) ?? jsonReply(verdict)
}

function spoiled(site: Site, token: string, verdict: Verdict): Reply | undefined {
  if (site.faults.strikes('cut_after', token)) return { how: 'cut' }
  if (!site.faults.strikes('bad_json', token)) return undefined
  const body = JSON.stringify(verdict).slice(0, 12)
  return { how: 'send', status: 200, content_type: 'application/json', body }
}
