import { escapeHtml } from '#server/kit/html.ts'
import { pageOf } from '../door/html.ts'
import type { CaughtMail } from './mails.ts'

/** The list of mails, newest first. */
export function listPage(mails: readonly CaughtMail[]): string {
  const rows = mails.map(
    (mail) =>
      `<tr><td><a href="/mails/${mail.id}">${escapeHtml(mail.subject) || '(no subject)'}</a></td>` +
      `<td>${escapeHtml(mail.rcpt_to.join(', '))}</td><td class="quiet">${escapeHtml(mail.received_at)}</td></tr>`,
  )
  const list =
    rows.length > 0
      ? `<table><tr><th>Subject</th><th>To</th><th>Received</th></tr>${rows.join('')}</table>`
      : '<p>No mail yet. Register, or ask for a new password, and look again.</p>'
  return pageOf(
    'Mail',
    `<h1>Mail</h1><p class="quiet">The sandbox keeps every mail; none leaves this machine.</p>${list}`,
  )
}

/** One mail: how it looks, its text, its source. */
export function mailPage(mail: CaughtMail): string {
  const row = (name: string, value: string) => `<tr><th>${name}</th><td>${escapeHtml(value)}</td></tr>`
  // In a frame without scripts: a mail is not trusted, though it be our own. Links open outside it.
  const shown = `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mails/${mail.id}/html" title="The mail"></iframe>`
  const link = mail.link ? `<p><a href="${escapeHtml(mail.link)}" rel="noreferrer">Open the first link</a></p>` : ''
  return pageOf(
    mail.subject,
    `<p><a href="/">All mail</a></p><h1>${escapeHtml(mail.subject)}</h1>
<table>${row('From', mail.from)}${row('To', mail.rcpt_to.join(', '))}${row('Received', mail.received_at)}</table>
${link}${shown}<h2>Text</h2><pre>${escapeHtml(mail.text)}</pre>
<details><summary>Source</summary><pre>${escapeHtml(mail.raw)}</pre></details>`,
  )
}
