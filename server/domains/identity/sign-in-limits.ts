import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { countedNetwork } from './allowed-ips.ts'
import { TooManyAttemptsError } from './errors.ts'

const WINDOW_S = 15 * 60
/** Failures for one account from one network: an owner who mistypes has enough, and an attacker elsewhere never locks the owner out. */
export const FAILURES_PER_ACCOUNT_MAX = 10
/** Failures of one network over all accounts: offices share an address, lists of stolen passwords are longer. */
export const FAILURES_PER_NETWORK_MAX = 100

/** Counts failed sign-ins in this process's memory. Attempts are taken before the password is looked at, so that a burst does not slip through. */
export class SignInLimits {
  readonly #by_network = new RateLimiterMemory({ points: FAILURES_PER_NETWORK_MAX, duration: WINDOW_S })
  readonly #by_account = new RateLimiterMemory({ points: FAILURES_PER_ACCOUNT_MAX, duration: WINDOW_S })

  /** Takes one attempt. Throws TooManyAttemptsError when none is left. */
  async take(email: string, ip: string): Promise<void> {
    const network = countedNetwork(ip)
    await orRefuse(this.#by_network.consume(network))
    await orRefuse(this.#by_account.consume(`${network} ${email}`))
  }

  /** The attempt succeeded: it is not counted, and the account's failures from this network are forgotten. */
  async giveBack(email: string, ip: string): Promise<void> {
    const network = countedNetwork(ip)
    await this.#by_network.reward(network)
    await this.#by_account.delete(`${network} ${email}`)
  }
}

async function orRefuse(taken: Promise<RateLimiterRes>): Promise<void> {
  try {
    await taken
  } catch (refused) {
    if (refused instanceof RateLimiterRes) throw new TooManyAttemptsError(Math.ceil(refused.msBeforeNext / 1_000))
    throw refused
  }
}
