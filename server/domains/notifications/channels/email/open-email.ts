import { Readable } from 'node:stream'
import ipaddr from 'ipaddr.js'
import { createTransport } from 'nodemailer'
import { invariant } from '#server/kit/invariant.ts'
import { insideTransaction } from '#server/platform/db/database.ts'
import type { SendOutcome } from '../../messages/message.ts'
import { smtpOutcome } from './smtp-outcome.ts'
import type { Letter } from './write-mail.ts'

/** Mails under way at once; common servers take as many connections from one sender. */
export const EMAILS_AT_ONCE = 5

/** RFC 5321 asks for minutes; a server that is well answers within seconds, and whoever is slower is tried again. */
const CONNECT_MS = 15_000
const GREETING_MS = 15_000
const SILENCE_MS = 60_000

/** A connection is renewed after so many mails, as servers count them. */
const MAILS_PER_CONNECTION = 100

/** The way out for mail. */
export interface Email {
  /** Never throws for what the server did. */
  send(letter: Letter): Promise<SendOutcome>
  close(): void
}

/** Opens the way to an SMTP server, `smtp://user:password@host:587` or `smtps://…:465`; connects at the first mail. A password only goes over TLS, but to the machine itself. */
export function openEmail(smtp_url: string, silence_ms: number = SILENCE_MS): Email {
  const url = new URL(smtp_url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const secure = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  const transport = createTransport({
    pool: true,
    host,
    port: Number(url.port || (secure ? 465 : 587)),
    secure,
    requireTLS: !secure && user !== '' && !isLoopback(host),
    ...(user !== '' && { auth: { user, pass: decodeURIComponent(url.password) } }),
    maxConnections: EMAILS_AT_ONCE,
    maxMessages: MAILS_PER_CONNECTION,
    // Whether to try again is decided by the message's own state.
    maxRequeues: 0,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: silence_ms,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    send: async ({ from, to, raw }) => {
      invariant(!insideTransaction(), 'a mail inside a transaction')
      const text = new ToldText(raw)
      try {
        const { response } = await transport.sendMail({ envelope: { from, to: [to] }, raw: text })
        return { outcome: 'accepted', reference: response }
      } catch (error) {
        return smtpOutcome(error, text.handed_over)
      }
    },
    close: () => transport.close(),
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || (ipaddr.isValid(host) && ipaddr.parse(host).range() === 'loopback')
}

/** The text of a mail, which knows whether it was handed over: it is read once a connection that stands has it. */
class ToldText extends Readable {
  handed_over = false
  #text: Buffer | null

  constructor(text: Buffer) {
    super()
    this.#text = text
  }

  override _read(): void {
    this.handed_over = true
    this.push(this.#text)
    if (this.#text !== null) this.push(null)
    this.#text = null
  }
}
