import { escapeHtml } from '#server/kit/html.ts'
import { pageOf } from '../door/html.ts'
import type { Received, Receiver } from './deliveries.ts'

const SHOWN_MAX = 50

/** What came last, newest first. */
export function receiverPage(receiver: Receiver): string {
  const rows = receiver.kept.slice(-SHOWN_MAX).toReversed().map(row)
  return pageOf(
    'Webhook receiver',
    `<h1>Webhook receiver</h1>
<p class="quiet">A simulated receiver: <code>POST /hooks/&lt;any name&gt;</code> is taken and shown here. Nothing leaves this machine.</p>
${rows.length === 0 ? '<p>Nothing has come yet.</p>' : `<table><thead><tr><th>When</th><th>Hook</th><th>Signature</th><th>Answered</th><th>Request</th></tr></thead><tbody>${rows.join('')}</tbody></table>`}`,
  )
}

function row({ at, hook, signature, answer, repeated, id, body }: Received): string {
  const again = repeated ? ' (again)' : ''
  const cells = [at, hook, signature, `${answer}${again}`].map((text) => `<td>${escapeHtml(text)}</td>`)
  return `<tr>${cells.join('')}<td><code>${escapeHtml(id)}</code><pre>${escapeHtml(pretty(body))}</pre></td></tr>`
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    // Whatever came is shown as it is.
    return body
  }
}
