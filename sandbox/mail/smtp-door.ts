import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import type { FaultSetting, Faults } from '../door/faults.ts'
import { listenOnLoopback } from '../door/open-door.ts'
import type { MailFault } from './faults.ts'
import type { Mails } from './mails.ts'

/** Larger than any mail of ours. */
const MAIL_BYTES_MAX = 5_000_000
const SLOW_MS = 1_000

/** What the SMTP server needs to know. */
export interface SmtpWorld {
  mails: Mails
  faults: Faults<MailFault>
}

/** A real SMTP server on the loopback that takes mail for anyone, with or without a sign-in. */
export async function openSmtpDoor(world: SmtpWorld, port: number): Promise<{ port: number; close(): Promise<void> }> {
  const server: SMTPServer = new SMTPServer({
    name: 'sandbox.test',
    banner: 'the sandbox, which keeps every mail',
    size: MAIL_BYTES_MAX,
    hideSTARTTLS: true,
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 1,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'anyone' }),
    onConnect: (_session, done) => {
      const fault = world.faults.strikes('refuse_connection', '')
      done(fault ? refusal(fault, 421, '4.3.2 Not now') : null)
    },
    onRcptTo: ({ address }, _session, done) => {
      const to = address.toLowerCase()
      const refused = world.faults.strikes('refuse_rcpt', to)
      if (refused) return done(refusal(refused, 550, '5.1.1 No such mailbox'))
      if (world.faults.strikes('hang_rcpt', to)) return
      done()
    },
    onData: (stream, session, done) => {
      takeMail(world, server, stream, session, done).catch(done)
    },
  })
  // Whoever cuts a connection while we speak is no failure of ours.
  server.on('error', () => {})
  const taken = await listenOnLoopback(server.server as never, port)
  return {
    port: taken,
    close: () =>
      new Promise((resolve) => {
        for (const connection of server.connections) connection._socket.destroy()
        server.close(() => resolve())
      }),
  }
}

type Done = (error?: Error | null, message?: string) => void

async function takeMail(
  world: SmtpWorld,
  server: SMTPServer,
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  done: Done,
): Promise<void> {
  const { mailFrom, rcptTo } = session.envelope
  const rcpt_to = rcptTo.map(({ address }) => address.toLowerCase())
  const to = rcpt_to.join(' ')
  const cut = () => cutConnection(server, session.id)
  if (world.faults.strikes('cut_data', to)) return cut()
  const raw = await readAll(stream)
  const refused = world.faults.strikes('refuse_data', to)
  if (refused) return done(refusal(refused, 554, '5.7.1 Message refused'))
  const mail = await world.mails.take({ mail_from: mailFrom ? mailFrom.address : '', rcpt_to }, raw)
  if (world.faults.strikes('cut_after', to)) return cut()
  if (world.faults.strikes('hang_after', to)) return
  const slow = world.faults.strikes('slow', to)
  if (slow) await new Promise((resolve) => setTimeout(resolve, slow.ms ?? SLOW_MS))
  done(null, `2.0.0 Kept as mail ${mail.id}`)
}

function cutConnection(server: SMTPServer, session_id: string): void {
  for (const connection of server.connections) if (connection.id === session_id) connection._socket.destroy()
}

async function readAll(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function refusal({ code, text }: FaultSetting, otherwise: number, words: string): Error {
  const own = code !== undefined && code !== otherwise ? `${Math.floor(code / 100)}.0.0 Refused` : words
  return Object.assign(new Error(text ?? own), { responseCode: code ?? otherwise })
}
