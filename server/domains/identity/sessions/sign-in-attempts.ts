import { countedNetwork } from '#server/platform/limits/network.ts'
import type { Limiter, Limiters, Taken } from '#server/platform/limits/open-limiters.ts'
import { TooManyAttemptsError } from '../errors.ts'

const QUARTER_S = 15 * 60
const HOUR_S = 60 * 60

/** Failures for one account from one network: an owner who mistypes has enough. */
export const FAILURES_PER_ACCOUNT_MAX = 10
/** Failures of one network over all accounts: offices share an address, lists of stolen passwords are longer. */
export const FAILURES_PER_NETWORK_MAX = 100
/** Failures in an hour for one account from all networks that are strange to it: what an attacker with many networks has in all. */
export const FAILURES_OF_STRANGERS_MAX = 60
/** Failures for one account from a browser that its owner has used: the owner's own, whatever others do. */
const FAILURES_PER_DEVICE_MAX = 20
/** With the next failure a robot has to be told from a person, where a captcha is configured. */
const FAILURES_BEFORE_CAPTCHA = 3
const FAILURES_OF_STRANGERS_BEFORE_CAPTCHA = 10

/** Who tries to sign in. */
export interface Attempt {
  /** What is being guessed: an address as typed, in its normal form ('' for what is none), or whose second factor. */
  account: string
  ip: string
  /** The digest of the device's token, where the account's owner has signed in with it before. */
  known_device: string | undefined
  /** The owner signed in from this network before. */
  known_network: boolean
}

/** Limits of failed sign-ins, shared by all processes where Redis is. They hold alike for accounts that do not exist. */
export class SignInAttempts {
  readonly #by_network: Limiter
  readonly #by_account: Limiter
  readonly #of_strangers: Limiter
  readonly #by_device: Limiter

  constructor(limiters: Limiters) {
    const limiter = (name: string, points: number, duration_s: number) =>
      limiters.limiter({ name: `sign_in:${name}`, points, duration_s })
    this.#by_network = limiter('network', FAILURES_PER_NETWORK_MAX, QUARTER_S)
    this.#by_account = limiter('account', FAILURES_PER_ACCOUNT_MAX, QUARTER_S)
    this.#of_strangers = limiter('strangers', FAILURES_OF_STRANGERS_MAX, HOUR_S)
    this.#by_device = limiter('device', FAILURES_PER_DEVICE_MAX, QUARTER_S)
  }

  /**
   * Takes one attempt, before the password is looked at, so that a burst does not slip through. Answers whether a person should be told from a robot first.
   * Throws TooManyAttemptsError when none is left.
   */
  async take(attempt: Attempt): Promise<{ suspicious: boolean }> {
    const { account, known_device, known_network } = attempt
    const network = countedNetwork(attempt.ip)
    // What others do, in the same network or elsewhere, does not hold up a browser that the owner has used.
    if (known_device !== undefined) {
      orRefuse(await this.#by_device.take(`${known_device} ${account}`))
      return { suspicious: false }
    }
    orRefuse(await this.#by_network.take(network))
    const { taken } = orRefuse(await this.#by_account.take(`${network} ${account}`))
    if (known_network) return { suspicious: taken > FAILURES_BEFORE_CAPTCHA }
    const strangers = orRefuse(await this.#of_strangers.take(account)).taken
    return { suspicious: taken > FAILURES_BEFORE_CAPTCHA || strangers > FAILURES_OF_STRANGERS_BEFORE_CAPTCHA }
  }

  /** The attempt was no failure: it is not counted. After a success the account's failures from this network or device are forgotten too. */
  async giveBack(attempt: Attempt, outcome: 'success' | 'not tried'): Promise<void> {
    const { account, known_device, known_network } = attempt
    const network = countedNetwork(attempt.ip)
    const settle = (limiter: Limiter, key: string) =>
      outcome === 'success' ? limiter.forget(key) : limiter.giveBack(key)
    if (known_device !== undefined) return settle(this.#by_device, `${known_device} ${account}`)
    await this.#by_network.giveBack(network)
    await settle(this.#by_account, `${network} ${account}`)
    if (!known_network) await this.#of_strangers.giveBack(account)
  }
}

function orRefuse(taken: Taken): Taken {
  if (!taken.allowed) throw new TooManyAttemptsError(Math.ceil(taken.resets_in_ms / 1_000))
  return taken
}
