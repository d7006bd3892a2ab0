import type { App } from '#server/platform/app.ts'
import { OutboundError } from '#server/platform/outbound/outbound.ts'

/** What a bot's answer may take: a hundred updates with long texts fit. */
const ANSWER_BYTES_MAX = 2_000_000

/** The Bot API as configured. */
export interface BotAccess {
  readonly token: string
  /** `https://api.telegram.org`, or a stand-in. */
  readonly base_url: string
}

/** An answer of the Bot API; or none, and whether the request may have arrived. */
export type BotAnswer =
  | { kind: 'ok'; result: unknown }
  | { kind: 'refused'; code: number; description: string; retry_after_s: number | undefined }
  | { kind: 'unreadable'; status: number }
  | { kind: 'none'; sent: boolean; failure: string }

/** Calls one method of the Bot API. Never throws for what the other side did. The token is in no error and no log. */
export async function callBot(
  app: Pick<App, 'outbound'>,
  bot: BotAccess,
  method: string,
  fields: object,
  timeout_ms: number,
): Promise<BotAnswer> {
  try {
    const { status, body } = await app.outbound.call({
      url: `${bot.base_url.replace(/\/$/, '')}/bot${bot.token}/${method}`,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fields),
      timeout_ms,
      max_bytes: ANSWER_BYTES_MAX,
    })
    return readAnswer(status, body)
  } catch (error) {
    if (error instanceof OutboundError) return { kind: 'none', sent: error.sent, failure: error.failure }
    throw error
  }
}

function readAnswer(status: number, body: string): BotAnswer {
  const answer = parsed(body)
  if (answer?.ok === true) return { kind: 'ok', result: answer.result }
  if (answer?.ok !== false || typeof answer.error_code !== 'number') return { kind: 'unreadable', status }
  const { error_code: code, description, parameters } = answer
  const retry = (parameters as { retry_after?: unknown } | undefined)?.retry_after
  return {
    kind: 'refused',
    code,
    description: typeof description === 'string' ? description : '',
    retry_after_s: typeof retry === 'number' && retry >= 0 ? retry : undefined,
  }
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
