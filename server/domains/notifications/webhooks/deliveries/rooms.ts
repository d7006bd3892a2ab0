import type { App } from '#server/platform/app.ts'

/**
 * Requests under way in this process. A request is quick at first and slow once it has taken a while, so that those who hang soon leave the room of those who
 * answer. Webhooks that failed last have a room of their own. All together stay well within what a process may have of sockets.
 */
const ROOM = { quick: 400, slow: 1_000, failing: 600 } as const
type Room = keyof typeof ROOM

/** Requests under way at the most. */
export const REQUESTS_MAX = ROOM.quick + ROOM.slow + ROOM.failing

/** Most receivers have answered by then. */
const QUICK_MS = 250

/** Who is in which room. */
export class Rooms {
  readonly #in: Record<Room, number> = { quick: 0, slow: 0, failing: 0 }
  readonly #told: (room: Room, count: number) => void

  constructor({ metrics }: Pick<App, 'metrics'>) {
    const gauge = metrics.gauge('saldo_webhook_requests', 'Requests to webhooks under way', ['room'])
    this.#told = (room, count) => gauge.set({ room }, count)
  }

  /** How many more may enter. */
  free(room: 'quick' | 'failing'): number {
    return ROOM[room] - this.#in[room]
  }

  /** Lets a request in and answers how it leaves. `onMoved` is called when it makes room by being slow. */
  enter(first: 'quick' | 'failing', onMoved: () => void): () => void {
    let room: Room = first
    this.#move(room, 1)
    const timer = setTimeout(() => {
      if (room !== 'quick' || this.#in.slow >= ROOM.slow) return
      this.#move('quick', -1)
      this.#move('slow', 1)
      room = 'slow'
      onMoved()
    }, QUICK_MS)
    return () => {
      clearTimeout(timer)
      this.#move(room, -1)
    }
  }

  #move(room: Room, by: number): void {
    this.#in[room] += by
    this.#told(room, this.#in[room])
  }
}
