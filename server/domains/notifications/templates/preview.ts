import type { Locale } from '#server/domains/identity/user.ts'
import type { Config } from '#server/platform/config/config.ts'
import { htmlOf, textOf } from '../channels/email/write-mail.ts'
import { textOfTelegram } from '../channels/telegram/send-to-chat.ts'
import { badTexts } from '../messages/errors.ts'
import { publicBase } from '../messages/public-base.ts'
import { CATALOGUE } from '../texts/catalogue.ts'
import { faultsOf, hasLink } from '../texts/check-texts.ts'
import { channelsOf, KINDS, type Kind, sampleData } from '../texts/kinds.ts'
import type { MessageTexts } from '../texts/template.ts'
import { canUnsubscribe } from '../texts/topics.ts'
import { writeTexts } from '../texts/write-texts.ts'

/** A message as its readers would get it, with sample data. `telegram` is null for what is never sent there. */
export interface Preview {
  subject: string
  text: string
  html: string
  telegram: string | null
}

/** Shows a kind in a language, in `texts` or as it stands; nothing is saved and nothing sent. Throws InvalidRequestError naming each fault of `texts`. */
export function previewTemplate(
  config: Pick<Config, 'public_url' | 'port' | 'mode'>,
  kind: Kind,
  locale: Locale,
  texts: MessageTexts = CATALOGUE[locale][kind],
): Preview {
  const faults = faultsOf(kind, locale, texts)
  if (faults.length > 0) throw badTexts(faults)
  const written = writeTexts(kind, sampleData(kind), { locale, time_zone: 'UTC' }, texts)
  const base = publicBase(config)
  const parts = {
    written,
    locale,
    link: hasLink(kind) ? `${base}/account/confirm#example` : undefined,
    unsubscribe_url: canUnsubscribe(KINDS[kind].topic, 'email') ? `${base}/api/v1/unsubscribe/example` : undefined,
    sandbox: config.mode === 'sandbox',
  }
  const telegram = channelsOf(kind).includes('telegram')
  return {
    subject: written.title,
    text: textOf(parts),
    html: htmlOf(parts),
    telegram: telegram ? textOfTelegram({ written, sandbox: undefined }) : null,
  }
}
