import PostalMime, { type Address } from 'postal-mime'

/** More are forgotten, the oldest first. */
const MAILS_MAX = 1_000

/** A mail that was taken. */
export interface CaughtMail {
  id: number
  received_at: string
  /** As the envelope names them. */
  mail_from: string
  rcpt_to: string[]
  from: string
  to: string[]
  subject: string
  message_id: string
  text: string
  html: string
  /** By lower-case name; of several the last. */
  headers: Record<string, string>
  /** The first web address of the text: what a person would click. */
  link: string | null
  /** As it came over the wire. */
  raw: string
}

/** What of a mail is to be: its recipient contains, its subject contains, its number is above. */
export interface MailWanted {
  to?: string | undefined
  subject?: string | undefined
  after?: number | undefined
}

/** The mails of one catcher. */
export interface Mails {
  take(envelope: { mail_from: string; rcpt_to: string[] }, raw: Buffer): Promise<CaughtMail>
  /** Newest first. */
  list(wanted: MailWanted): CaughtMail[]
  byId(id: number): CaughtMail | undefined
  /** The oldest mail that is as wanted, at once or when it comes; undefined when it does not come in time. */
  wait(wanted: MailWanted, timeout_ms: number): Promise<CaughtMail | undefined>
  clear(): void
}

/** An empty store. */
export function openMails(now: () => Date = () => new Date()): Mails {
  let mails: CaughtMail[] = []
  let last_id = 0
  const waiting = new Set<() => void>()
  const find = (wanted: MailWanted) => mails.find((mail) => isWanted(mail, wanted))
  return {
    take: async (envelope, raw) => {
      const read = await readMail(raw)
      last_id += 1
      const mail = { id: last_id, received_at: now().toISOString(), ...envelope, ...read }
      mails.push(mail)
      mails = mails.slice(-MAILS_MAX)
      for (const look of waiting) look()
      return mail
    },
    list: (wanted) => mails.filter((mail) => isWanted(mail, wanted)).toReversed(),
    byId: (id) => mails.find((mail) => mail.id === id),
    wait: (wanted, timeout_ms) =>
      new Promise((resolve) => {
        const end = (mail: CaughtMail | undefined) => {
          clearTimeout(timer)
          waiting.delete(look)
          resolve(mail)
        }
        const look = () => {
          const mail = find(wanted)
          if (mail) end(mail)
        }
        const timer = setTimeout(() => end(undefined), timeout_ms)
        waiting.add(look)
        look()
      }),
    clear: () => {
      mails = []
    },
  }
}

function isWanted(mail: CaughtMail, { to, subject, after }: MailWanted): boolean {
  return (
    (to === undefined || mail.rcpt_to.some((address) => address.includes(to.toLowerCase()))) &&
    (subject === undefined || mail.subject.includes(subject)) &&
    (after === undefined || mail.id > after)
  )
}

async function readMail(raw: Buffer) {
  const email = await PostalMime.parse(raw)
  const text = email.text ?? ''
  return {
    from: shown(email.from),
    to: (email.to ?? []).map(shown),
    subject: email.subject ?? '',
    message_id: email.messageId ?? '',
    text,
    html: email.html ?? '',
    headers: Object.fromEntries(email.headers.map(({ key, value }) => [key, value])),
    link: /https?:\/\/[^\s<>"]+/.exec(text)?.[0] ?? null,
    raw: raw.toString('utf8'),
  }
}

function shown(address: Address | undefined): string {
  if (address?.address === undefined) return address?.name ?? ''
  return address.name ? `${address.name} <${address.address}>` : address.address
}
