import { openFaults } from '../door/faults.ts'
import { openDoor } from '../door/open-door.ts'
import { MAIL_ROUTES } from './control-door.ts'
import { MAIL_FAULT_NAMES } from './faults.ts'
import { openMails } from './mails.ts'
import { openSmtpDoor } from './smtp-door.ts'

/** A mail server that keeps every mail, running. */
export interface MailCatcher {
  /** Where mail is sent to. */
  readonly smtp_url: string
  /** The page to read mails on, and the control door under `/control`. */
  readonly url: string
  /** Ends at once; what is under way is cut. */
  close(): Promise<void>
}

/** Starts an SMTP server and the door to read its mails, both on the loopback. Port 0 or none: a free one. Rejects when a port is taken. */
export async function startMailCatcher(options: { smtp_port?: number; port?: number } = {}): Promise<MailCatcher> {
  const world = { mails: openMails(), faults: openFaults(MAIL_FAULT_NAMES) }
  const smtp = await openSmtpDoor(world, options.smtp_port ?? 0)
  try {
    const door = await openDoor(MAIL_ROUTES, world, options.port ?? 0)
    return {
      smtp_url: `smtp://127.0.0.1:${smtp.port}`,
      url: door.url,
      close: async () => {
        await door.close()
        await smtp.close()
      },
    }
  } catch (error) {
    await smtp.close()
    throw error
  }
}
