import { z } from 'zod'
import type { DoorRoute } from '../door/open-door.ts'
import { readInput } from '../provider/control-input.ts'
import { CAPTCHA_FAULTS } from './faults.ts'
import { type Site, solve } from './site.ts'

const SOLVED = z.strictObject({
  action: z.string().max(32).default(''),
  hostname: z.string().min(1).max(253).default('localhost'),
})

export const CONTROL_ROUTES: readonly DoorRoute<Site>[] = [
  ['POST', /^\/control\/tokens$/, ({ world, body }) => ({ token: solve(world, readInput(SOLVED, body)) })],
  ['GET', /^\/control\/checks$/, ({ world }) => ({ checks: world.checks })],
  ['GET', /^\/control\/faults$/, ({ world }) => world.faults.view()],
  ['GET', /^\/control\/faults\/known$/, () => CAPTCHA_FAULTS],
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
