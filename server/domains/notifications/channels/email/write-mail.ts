import MailComposer from 'nodemailer/lib/mail-composer'
import type { Locale } from '#server/domains/identity/user.ts'
import { escapeHtml } from '#server/kit/html.ts'
import { FRAMES } from '../../texts/frames.ts'
import { plainText } from '../../texts/plain-text.ts'
import type { Written } from '../../texts/write-texts.ts'

/** Everything that a mail consists of. */
export interface Mail {
  id: bigint
  /** As configured: `Saldo <house@example.com>` or the bare address. */
  from: string
  to: string
  locale: Locale
  written: Written
  /** Where the button leads. */
  link?: string | undefined
  /** Where the mail is unsubscribed from; for what is not essential. */
  unsubscribe_url?: string | undefined
  /** A line under the text, such as what to do about a sign-in that was not one's own. */
  note?: string | undefined
  sandbox: boolean
  date: Date
}

/** A mail ready for the wire. */
export interface Letter {
  from: string
  to: string
  raw: Buffer
}

/** Writes a mail in text and HTML. All that comes from outside is escaped here, whatever the texts say; a header can only be one line. */
export async function writeMail(mail: Mail): Promise<Letter> {
  const { id, from, to, unsubscribe_url, locale, date } = mail
  const address = bareAddress(from)
  const composer = new MailComposer({
    from,
    to,
    subject: plainText(mail.written.title),
    date,
    // The same at each try: whoever gets it twice can tell.
    messageId: `<message.${id}@${address.split('@')[1]}>`,
    text: textOf(mail),
    html: htmlOf(mail),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'Content-Language': locale,
      ...(unsubscribe_url !== undefined && {
        // RFC 8058: mail programs post to it when their reader presses their own button.
        'List-Unsubscribe': `<${unsubscribe_url}>`,
        'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
      }),
    },
  })
  return { from: address, to, raw: await composer.compile().build() }
}

/** `Saldo <house@example.com>` → `house@example.com`. */
function bareAddress(from: string): string {
  return /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from.trim()
}

/** What stands in a mail, whoever it goes to. */
type MailParts = Pick<Mail, 'written' | 'link' | 'unsubscribe_url' | 'note' | 'locale' | 'sandbox'>

/** The mail for readers of plain text. */
export function textOf({ written, link, unsubscribe_url, note, locale, sandbox }: MailParts): string {
  const frame = FRAMES[locale]
  return [
    ...(sandbox ? [`[${frame.sandbox}]`] : []),
    written.title,
    written.body,
    ...(link === undefined ? [] : [`${written.action ?? frame.or_open}:\n${link}`]),
    ...(note === undefined ? [] : [note]),
    ...(unsubscribe_url === undefined ? [] : [`--\n${frame.unsubscribe}: ${unsubscribe_url}`]),
  ].join('\n\n')
}

const INK = '#1c2430'
const QUIET = 'font-size:13px;line-height:1.5;color:#5f6b7a'

/** The mail as a page: one column that fits a phone. Styles stand in the elements, for mail programs drop all others. */
export function htmlOf({ written, link, unsubscribe_url, note, locale, sandbox }: MailParts): string {
  const frame = FRAMES[locale]
  const href = escapeHtml(link ?? '')
  const button =
    link === undefined
      ? ''
      : `<p style="margin:28px 0"><a href="${href}" style="display:inline-block;padding:14px 26px;border-radius:10px;background:#1f5eff;color:#ffffff;font-weight:600;text-decoration:none">${escapeHtml(written.action ?? link)}</a></p>
<p style="${QUIET}">${escapeHtml(frame.or_open)}<br><a href="${href}" style="color:#1f5eff;word-break:break-all">${href}</a></p>`
  const footer =
    unsubscribe_url === undefined
      ? ''
      : `<p style="${QUIET};margin:20px 4px 0"><a href="${escapeHtml(unsubscribe_url)}" style="color:#5f6b7a">${escapeHtml(frame.unsubscribe)}</a></p>`
  const banner = sandbox
    ? `<p style="margin:0 0 12px;padding:8px 12px;border-radius:8px;background:#fff3cd;color:#664d03;font-size:13px">${escapeHtml(frame.sandbox)}</p>`
    : ''
  return `<!doctype html>
<html lang="${locale}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light"><title>${escapeHtml(written.title)}</title></head>
<body style="margin:0;padding:24px 12px;background:#f2f4f8;color:${INK};font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans Bengali','Noto Sans',Arial,sans-serif">
<div style="max-width:560px;margin:0 auto">${banner}
<div style="padding:28px 24px;border-radius:16px;background:#ffffff">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.35;overflow-wrap:anywhere">${escapeHtml(written.title)}</h1>
${paragraphs(written.body)}${button}${note === undefined ? '' : `<p style="${QUIET};margin-top:24px">${escapeHtml(note)}</p>`}
</div>${footer}</div></body></html>`
}

function paragraphs(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((part) => escapeHtml(part.trim()).replaceAll('\n', '<br>'))
    .map((part) => `<p style="margin:0 0 16px;font-size:16px;line-height:1.6;overflow-wrap:anywhere">${part}</p>\n`)
    .join('')
}
