import type { DoorRoute } from '../door/open-door.ts'
import { SENTRY_FAULTS } from './faults.ts'
import type { Ingest } from './ingest.ts'

export const CONTROL_ROUTES: readonly DoorRoute<Ingest>[] = [
  ['GET', /^\/control\/events$/, ({ world }) => ({ requests: world.requests, events: world.events })],
  ['GET', /^\/control\/faults$/, ({ world }) => world.faults.view()],
  ['GET', /^\/control\/faults\/known$/, () => SENTRY_FAULTS],
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
