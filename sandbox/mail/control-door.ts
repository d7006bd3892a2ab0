import { z } from 'zod'
import { type DoorRoute, Page } from '../door/open-door.ts'
import { ControlError, readInput } from '../provider/control-input.ts'
import { MAIL_FAULTS } from './faults.ts'
import type { CaughtMail } from './mails.ts'
import { listPage, mailPage } from './pages.ts'
import type { SmtpWorld } from './smtp-door.ts'

/** On the page. The door lists all that are kept. */
const LISTED_MAX = 100
const WAIT_MS_MAX = 60_000

const WANTED = z.strictObject({
  to: z.string().max(254).optional(),
  subject: z.string().max(200).optional(),
  after: z.coerce.number().int().min(0).optional(),
  timeout_ms: z.coerce.number().int().min(1).max(WAIT_MS_MAX).default(10_000),
})

export const MAIL_ROUTES: readonly DoorRoute<SmtpWorld>[] = [
  ['GET', /^\/$/, ({ world }) => new Page(listPage(world.mails.list({}).slice(0, LISTED_MAX)))],
  ['GET', /^\/mails\/(\d{1,9})$/, ({ world, parts }) => new Page(mailPage(mailOf(world, parts[0])))],
  ['GET', /^\/mails\/(\d{1,9})\/html$/, ({ world, parts }) => new Page(mailOf(world, parts[0]).html)],
  [
    'GET',
    /^\/control\/mails$/,
    ({ world, query }) => {
      const wanted = readInput(WANTED, Object.fromEntries(query))
      return { mails: world.mails.list(wanted) }
    },
  ],
  ['GET', /^\/control\/mails\/wait$/, ({ world, query }) => waitForMail(world, query)],
  ['GET', /^\/control\/mails\/(\d{1,9})$/, ({ world, parts }) => mailOf(world, parts[0])],
  [
    'DELETE',
    /^\/control\/mails$/,
    ({ world }) => {
      world.mails.clear()
      return {}
    },
  ],
  ['GET', /^\/control\/faults$/, ({ world }) => world.faults.view()],
  ['GET', /^\/control\/faults\/known$/, () => MAIL_FAULTS],
  ['GET', /^\/control\/faults\/fired$/, ({ world }) => world.faults.fired()],
  [
    'PUT',
    /^\/control\/faults$/,
    ({ world, body }) => {
      world.faults.set(body)
      return world.faults.view()
    },
  ],
]

function mailOf(world: SmtpWorld, id: string | undefined): CaughtMail {
  const mail = world.mails.byId(Number(id))
  if (mail === undefined) throw new ControlError('id: no such mail', 404)
  return mail
}

async function waitForMail(world: SmtpWorld, query: URLSearchParams): Promise<CaughtMail> {
  const { timeout_ms, ...wanted } = readInput(WANTED, Object.fromEntries(query))
  const mail = await world.mails.wait(wanted, timeout_ms)
  if (mail === undefined) throw new ControlError(`no such mail within ${timeout_ms} ms`, 404)
  return mail
}
