import { z } from 'zod'
import { type DoorRoute, Page } from '../door/open-door.ts'
import { ControlError, readInput } from '../provider/control-input.ts'
import { forget, type Received, type Receiver, summaryOf } from './deliveries.ts'
import { RECEIVER_FAULTS } from './faults.ts'
import { receiverPage } from './pages.ts'

const WAIT_MS_MAX = 60_000
const PAGE_MAX = 1_000

const SECRETS = z.record(
  z.string().regex(/^[\w-]{1,64}$/),
  z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(5)]),
)
const WANTED = z.strictObject({
  hook: z.string().max(64).optional(),
  id: z.string().max(100).optional(),
  /** Whether something like this stands in the body. */
  text: z.string().max(200).optional(),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(100),
  timeout_ms: z.coerce.number().int().min(1).max(WAIT_MS_MAX).default(10_000),
})
type Wanted = z.output<typeof WANTED>

export const CONTROL_ROUTES: readonly DoorRoute<Receiver>[] = [
  ['GET', /^\/$/, ({ world }) => new Page(receiverPage(world))],
  ['GET', /^\/control\/received$/, ({ world, query }) => ({ received: received(world, wantedBy(query)) })],
  ['GET', /^\/control\/received\/wait$/, ({ world, query }) => waitFor(world, wantedBy(query))],
  ['GET', /^\/control\/summary$/, ({ world }) => summaryOf(world)],
  [
    'PUT',
    /^\/control\/secrets$/,
    ({ world, body }) => {
      for (const [hook, secrets] of Object.entries(readInput(SECRETS, body))) {
        world.secrets.set(hook, typeof secrets === 'string' ? [secrets] : secrets)
      }
      return {}
    },
  ],
  [
    'POST',
    /^\/control\/forget$/,
    ({ world }) => {
      forget(world)
      return {}
    },
  ],
  [
    'POST',
    /^\/control\/cut$/,
    ({ world }) => {
      for (const cut of world.hanging) cut()
      return {}
    },
  ],
  ['GET', /^\/control\/faults$/, ({ world }) => world.faults.view()],
  ['GET', /^\/control\/faults\/known$/, () => RECEIVER_FAULTS],
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

function wantedBy(query: URLSearchParams): Wanted {
  return readInput(WANTED, Object.fromEntries(query))
}

/** What came and is as wanted, oldest first. */
function received({ kept }: Receiver, { hook, id, text, after, limit }: Wanted): Received[] {
  const found = kept.filter(
    (each) =>
      each.number > after &&
      (hook === undefined || each.hook === hook) &&
      (id === undefined || each.id === id) &&
      (text === undefined || each.body.includes(text)),
  )
  return found.slice(0, limit)
}

function waitFor(receiver: Receiver, wanted: Wanted): Promise<Received> {
  return new Promise((resolve, reject) => {
    const end = (found: Received | undefined) => {
      clearTimeout(timer)
      receiver.listeners.delete(look)
      if (found) resolve(found)
      else reject(new ControlError(`nothing like it came within ${wanted.timeout_ms} ms`, 404))
    }
    const look = () => {
      const [found] = received(receiver, wanted)
      if (found) end(found)
    }
    const timer = setTimeout(() => end(undefined), wanted.timeout_ms)
    receiver.listeners.add(look)
    look()
  })
}
