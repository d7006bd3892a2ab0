/** Requests at a time to a webhook that has not answered yet: one that hangs takes no more than these before it is known. */
const FIRST_WINDOW = 2

/** Webhooks remembered; those at rest are forgotten first and begin anew. */
const REMEMBERED_MAX = 50_000

interface Window {
  in_flight: number
  size: number
}

/**
 * How many requests this process has under way to each webhook, and how many it would have: few at first, twice as many with each success, and one after a failure. So a
 * webhook that hangs soon holds next to nothing, and one that answers is not held back.
 */
export class Pace {
  readonly #windows = new Map<bigint, Window>()

  /** How many more requests may be begun now, where `max` may be under way. */
  allowance(webhook_id: bigint, max: number): number {
    const window = this.#windows.get(webhook_id)
    if (!window) return Math.min(FIRST_WINDOW, max)
    return Math.max(0, Math.min(window.size, max) - window.in_flight)
  }

  begin(webhook_id: bigint): void {
    const window = this.#windows.get(webhook_id) ?? { in_flight: 0, size: FIRST_WINDOW }
    window.in_flight += 1
    // The latest stands last, so that the first are those at rest for longest.
    this.#windows.delete(webhook_id)
    this.#windows.set(webhook_id, window)
    if (this.#windows.size > REMEMBERED_MAX) this.#forget()
  }

  end(webhook_id: bigint, succeeded: boolean, max: number): void {
    const window = this.#windows.get(webhook_id)
    if (!window) return
    window.in_flight -= 1
    window.size = succeeded ? Math.min(max, window.size * 2) : 1
  }

  #forget(): void {
    for (const [webhook_id, window] of this.#windows) {
      if (window.in_flight > 0) continue
      this.#windows.delete(webhook_id)
      return
    }
  }
}
