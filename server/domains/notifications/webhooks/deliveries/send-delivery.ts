import type { App } from '#server/platform/app.ts'
import { maskHeaders, maskSecrets } from '#server/platform/outbound/mask.ts'
import { type Outbound, OutboundError, type OutboundResponse } from '#server/platform/outbound/outbound.ts'
import { SecretError, type Secrets } from '#server/platform/secrets/secrets.ts'
import { shownEventId } from '../event-id.ts'
import { timeoutMs } from '../settings.ts'
import { secretContext, signingSecrets, URL_MAX } from '../webhook.ts'
import { urlFault } from '../webhook-url.ts'
import type { ClaimedDelivery } from './claim-deliveries.ts'
import { retryAfter_ms } from './decide-delivery.ts'
import { ANSWER_CHARS_MAX, type Attempt } from './record-attempts.ts'
import { signRequest } from './sign-request.ts'

/** Read of an answer. Nothing in it matters to us but the status; what is kept of it is for the owner to look at. */
const ANSWER_BYTES_MAX = 16_384

/** What is kept of an answer's headers. */
const HEADERS_MAX = 20
const HEADER_CHARS_MAX = 300

/** What sending takes. */
export interface Sending {
  app: App
  secrets: Secrets
  outbound: Outbound
}

/** Makes one request to a webhook and answers how it went, ready to be written down. Never throws for what the outside does. */
export async function sendDelivery({ app, secrets, outbound }: Sending, delivery: ClaimedDelivery): Promise<Attempt> {
  const at = app.clock.now()
  const { event_id, webhook_id, claims, body, url } = delivery
  const made = { event_id, webhook_id, claims, at, url: url.slice(0, URL_MAX) }
  const failed = (failure: string, request_headers: Record<string, string> = {}, duration_ms = 0): Attempt => {
    return { ...made, request_headers, duration_ms, outcome: { failure } }
  }
  const parsed = URL.parse(url)
  if (parsed === null || urlFault(parsed, app)) return failed('address_refused')
  const opened = openedSecrets(secrets, delivery, at)
  if (!opened) {
    app.log.error({ webhook_id }, 'the secret of a webhook cannot be opened, so that nothing can be sent to it')
    return failed('secret_unreadable')
  }
  const message = { id: shownEventId(event_id), timestamp_s: Math.floor(at.getTime() / 1_000), body }
  const headers = { 'content-type': 'application/json', ...signRequest(delivery.signature, opened, message) }
  const timeout_ms = app.settings.read(timeoutMs)
  try {
    const request = {
      url,
      method: 'POST',
      headers,
      body,
      timeout_ms,
      max_bytes: ANSWER_BYTES_MAX,
      beyond_max: 'is_cut',
    } as const
    const answer = await outbound.call(request)
    return { ...made, request_headers: headers, duration_ms: answer.duration_ms, ...answered(answer, opened, app) }
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    return failed(error.failure, headers, error.duration_ms)
  }
}

function openedSecrets(secrets: Secrets, delivery: ClaimedDelivery, now: Date): string[] | undefined {
  try {
    return signingSecrets(delivery, now).map((sealed) => secrets.open(sealed, secretContext(delivery.webhook_id)))
  } catch (error) {
    if (!(error instanceof SecretError)) throw error
    return undefined
  }
}

function answered(answer: OutboundResponse, secrets: readonly string[], app: App) {
  const { status, headers, body } = answer
  const kept = Object.fromEntries(Object.entries(headers).slice(0, HEADERS_MAX))
  return {
    outcome: { status, retry_after_ms: retryAfter_ms(headers['retry-after'], app.clock.now()) },
    response_headers: maskHeaders(kept, { secrets, chars_max: HEADER_CHARS_MAX }),
    // PostgreSQL's text takes no NUL.
    response_body: body === '' ? '' : maskSecrets(body.replaceAll('\0', ''), { secrets, chars_max: ANSWER_CHARS_MAX }),
  }
}
