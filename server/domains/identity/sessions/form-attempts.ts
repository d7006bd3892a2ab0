import { countedNetwork } from '#server/platform/limits/network.ts'
import type { Limiter, Limiters } from '#server/platform/limits/open-limiters.ts'
import { TooManyAttemptsError } from '../errors.ts'

const HOUR_S = 60 * 60

/** What one network may send in an hour: an office that introduces Saldo to its people has enough, a robot has not. */
const FORMS = { registration: 30, reset: 30, mail: 30, link: 60 } as const
export type Form = keyof typeof FORMS

/** Limits of the public forms, by network. How many mails an address gets is bounded where they are made. */
export class FormAttempts {
  readonly #limiters: Readonly<Record<Form, Limiter>>

  constructor(limiters: Limiters) {
    const limiter = (form: Form) => limiters.limiter({ name: `form:${form}`, points: FORMS[form], duration_s: HOUR_S })
    this.#limiters = {
      registration: limiter('registration'),
      reset: limiter('reset'),
      mail: limiter('mail'),
      link: limiter('link'),
    }
  }

  /** Takes one attempt of the network that `ip` belongs to. Throws TooManyAttemptsError. */
  async take(form: Form, ip: string): Promise<void> {
    const { allowed, resets_in_ms } = await this.#limiters[form].take(countedNetwork(ip))
    if (!allowed) throw new TooManyAttemptsError(Math.ceil(resets_in_ms / 1_000))
  }
}
