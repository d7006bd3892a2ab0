import { z } from 'zod'
import { newUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'
import { OutboundError } from '#server/platform/outbound/outbound.ts'
import { type CaptchaAction, CaptchaRequiredError, CaptchaUnavailableError } from './errors.ts'

/** A person waits; two of these and the form is answered all the same. */
const TIMEOUT_MS = 2_500
/** A token is checked once, and once more under the same idempotency key when no verdict came. */
const TRIES = 2
const ANSWER_BYTES_MAX = 16_384
/** As the provider bounds it. */
export const CAPTCHA_TOKEN_MAX = 2_048

const VERDICT = z.object({
  success: z.boolean(),
  'error-codes': z.array(z.string()).default([]),
  hostname: z.string().optional(),
  action: z.string().optional(),
})
type Verdict = z.output<typeof VERDICT>

/** Of these the token is not to blame: it was not judged. */
const NOT_JUDGED = ['internal-error', 'bad-request', 'missing-input-secret', 'invalid-input-secret']

type CaptchaApp = Pick<App, 'outbound' | 'log' | 'metrics'> & { config: Pick<App['config'], 'captcha' | 'public_url'> }

/**
 * Whether a person sends the form, by the token of Turnstile's widget; nothing where no captcha is configured. Throws CaptchaRequiredError when there is no token or it is refused.
 * A provider that does not answer, or to whom we are misconfigured, must neither open the door to robots nor shut people out: without a verdict a
 * registration waits (CaptchaUnavailableError), while signing in and asking for a new password go on, under their limits. It is logged and counted.
 */
export async function checkCaptcha(
  app: CaptchaApp,
  input: { token: string | undefined; action: CaptchaAction; ip: string },
): Promise<void> {
  const { captcha } = app.config
  if (!captcha) return
  if (input.token === undefined) throw new CaptchaRequiredError(captcha.site_key, input.action)
  const verdict = await verdictOn(app, captcha, input.token, input.ip)
  const counter = app.metrics.counter('saldo_captcha_checks_total', 'Tokens of the captcha', ['outcome'])
  if (verdict === undefined) {
    counter.inc({ outcome: 'unavailable' })
    if (input.action === 'register') throw new CaptchaUnavailableError()
    return
  }
  const passed = verdict.success && isOurs(verdict, input.action, app.config.public_url)
  counter.inc({ outcome: passed ? 'passed' : 'refused' })
  if (!passed) throw new CaptchaRequiredError(captcha.site_key, input.action)
}

/** A token that was solved on another site or for another form does not count here. */
function isOurs({ hostname, action }: Verdict, expected: CaptchaAction, public_url: string | undefined): boolean {
  if (action !== undefined && action !== '' && action !== expected) return false
  return public_url === undefined || hostname === undefined || hostname === new URL(public_url).hostname
}

/** The provider's verdict, or undefined when none could be had. */
async function verdictOn(
  app: CaptchaApp,
  captcha: NonNullable<App['config']['captcha']>,
  token: string,
  ip: string,
): Promise<Verdict | undefined> {
  const asked = { secret: captcha.secret, response: token, remoteip: ip, idempotency_key: newUuid() }
  for (let tries = 1; tries <= TRIES; tries++) {
    const verdict = await askOnce(app, captcha.url, asked)
    if (typeof verdict !== 'string') return verdict
    app.log.warn({ why: verdict, tries }, 'the captcha gave no verdict')
  }
  return undefined
}

/** A verdict, or why there is none. */
async function askOnce(app: CaptchaApp, url: string, asked: object): Promise<Verdict | string> {
  try {
    const { status, body } = await app.outbound.call({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(asked),
      timeout_ms: TIMEOUT_MS,
      max_bytes: ANSWER_BYTES_MAX,
    })
    if (status >= 500) return `status ${status}`
    const parsed = VERDICT.safeParse(JSON.parse(body))
    if (!parsed.success) return `status ${status} and no verdict`
    const not_judged = parsed.data['error-codes'].find((code) => NOT_JUDGED.includes(code))
    return not_judged ?? parsed.data
  } catch (error) {
    if (error instanceof OutboundError) return error.failure
    if (error instanceof SyntaxError) return 'no JSON'
    throw error
  }
}
