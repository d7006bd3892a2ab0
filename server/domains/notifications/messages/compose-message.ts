import { oneTimeLink } from '#server/domains/identity/links/one-time-links.ts'
import type { Locale } from '#server/domains/identity/user.ts'
import type { App } from '#server/platform/app.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { type Letter, writeMail } from '../channels/email/write-mail.ts'
import type { TelegramLetter } from '../channels/telegram/send-to-chat.ts'
import { frequencyOf, quietUntil, type Recipient, TIME_ZONE_DEFAULT } from '../preferences/recipient.ts'
import { unsubscribeToken } from '../preferences/unsubscribe-token.ts'
import { hasLink } from '../texts/check-texts.ts'
import { FRAMES } from '../texts/frames.ts'
import { type Data, KINDS, type Kind } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'
import { canUnsubscribe, TOPICS, type Topic } from '../texts/topics.ts'
import { type Written, writeTexts } from '../texts/write-texts.ts'
import type { Message } from './message.ts'
import { publicBase } from './public-base.ts'

/** What messages are made of besides their rows. */
export interface ComposeDeps {
  app: Pick<App, 'db' | 'clock' | 'config'>
  secrets: Secrets
  /** As configured; undefined while no mail is sent. */
  mail_from: string | undefined
}

/** What is to be sent, or why nothing is: dropped for good, postponed to a time. */
export type Composed =
  | { outcome: 'mail'; letter: Letter }
  | { outcome: 'telegram'; letter: TelegramLetter }
  | { outcome: 'dropped'; reason: string }
  | { outcome: 'postponed'; until: Date }

/**
 * Makes of a message's row what is sent, as things stand now: the user's language, address and wishes, and the link of a mail that has one. `recipient` is
 * undefined for whoever is no user.
 */
export async function composeMessage(
  deps: ComposeDeps,
  message: Message,
  recipient: Recipient | undefined,
  textsOf: (kind: Kind, locale: Locale) => MessageTexts,
): Promise<Composed> {
  const { kind, channel } = message
  const topic: Topic | undefined = KINDS[kind].topic
  if (message.user_id !== null && recipient === undefined) return { outcome: 'dropped', reason: 'no_such_user' }
  const unwanted = recipient && unwantedBecause(recipient, message, topic)
  if (unwanted) return { outcome: 'dropped', reason: unwanted }
  const link = await linkOf(deps, message)
  if (link === 'gone') return { outcome: 'dropped', reason: 'no_longer_wanted' }
  const locale = message.locale ?? recipient?.locale ?? 'en'
  const reader = { locale, time_zone: recipient?.time_zone ?? TIME_ZONE_DEFAULT }
  const data: Data = link ? { ...message.data, expires_at: link.expires_at.toISOString() } : message.data
  const written = writeTexts(kind, data, reader, textsOf(kind, locale))
  return channel === 'email'
    ? asMail(deps, message, { recipient, locale, written, topic, link: link?.url })
    : asTelegram(deps, message, { recipient, locale, written, topic })
}

function unwantedBecause(recipient: Recipient, message: Message, topic: Topic | undefined): string | undefined {
  if (recipient.state === 'blocked' && topic !== undefined && topic !== 'security') return 'user_blocked'
  if (message.channel === 'telegram' && message.address === null && recipient.chat_id === null) return 'no_chat'
  return frequencyOf(recipient, topic, message.channel) === 'never' ? 'unsubscribed' : undefined
}

/** Made now and kept nowhere. Used, expired or void links are gone, and the mail with them. */
async function linkOf({ app, secrets }: ComposeDeps, { kind, data }: Message) {
  if (!hasLink(kind)) return undefined
  const link = await oneTimeLink(app, secrets, BigInt(String(data.link_id)))
  return link ?? 'gone'
}

interface Parts {
  recipient: Recipient | undefined
  locale: Locale
  written: Written
  topic: Topic | undefined
  link?: string | undefined
}

async function asMail(deps: ComposeDeps, message: Message, parts: Parts): Promise<Composed> {
  const { recipient, topic, locale, written, link } = parts
  const { config, clock } = deps.app
  const to = message.address ?? recipient?.email
  if (deps.mail_from === undefined || to === undefined) return { outcome: 'dropped', reason: 'not_configured' }
  const stoppable = recipient !== undefined && topic !== undefined && canUnsubscribe(topic, 'email')
  const letter = await writeMail({
    id: message.id,
    from: deps.mail_from,
    to,
    locale,
    written,
    link,
    note: noteOf(message.kind, topic, locale),
    unsubscribe_url: stoppable
      ? `${publicBase(config)}/api/v1/unsubscribe/${unsubscribeToken(deps.secrets, recipient.user_id, topic)}?lang=${locale}`
      : undefined,
    sandbox: config.mode === 'sandbox',
    date: clock.now(),
  })
  return { outcome: 'mail', letter }
}

/** What to do about a mail that one did not expect. */
function noteOf(kind: Kind, topic: Topic | undefined, locale: Locale): string | undefined {
  const { not_asked, not_expected, not_you } = FRAMES[locale]
  if (kind === 'confirm_old_email') return not_you
  if (kind === 'accept_invitation') return not_expected
  if (hasLink(kind)) return not_asked
  return topic === 'security' && kind !== 'blocked' && kind !== 'unblocked' ? not_you : undefined
}

function asTelegram({ app }: ComposeDeps, message: Message, parts: Parts): Composed {
  const { recipient, topic, written, locale } = parts
  const chat_id = message.address ?? recipient?.chat_id?.toString()
  if (chat_id === undefined) return { outcome: 'dropped', reason: 'no_chat' }
  const quiet_until = recipient && quietUntil(recipient, app.clock.now())
  const urgent = topic === undefined || TOPICS[topic].urgent
  if (quiet_until && !urgent) return { outcome: 'postponed', until: quiet_until }
  const sandbox = app.config.mode === 'sandbox' ? FRAMES[locale].sandbox : undefined
  return { outcome: 'telegram', letter: { chat_id, written, silent: quiet_until !== undefined, sandbox } }
}
