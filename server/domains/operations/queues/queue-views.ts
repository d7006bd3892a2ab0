import { z } from 'zod'
import { type QueueFigure, STAGES, type Stage } from '#server/platform/queues/queue.ts'

const count = z.int().min(0)
const seconds = z.number().nullable()

/** A queue as staff see it. */
export const queueShape = z.object({
  queue: z.string().meta({ example: 'orders' }),
  kind: z
    .string()
    .meta({ description: 'What is done with them: the kind of job, the type of event.', example: 'dispatch' }),
  ready: count.meta({ description: 'A worker may take them now.', example: 12 }),
  later: count.meta({ description: 'Their time has not come.' }),
  running: count.meta({ description: 'A worker has them.' }),
  stuck: count.meta({ description: 'They wait for a person.' }),
  oldest_ready_seconds: seconds.meta({ description: 'How long the oldest that is ready has waited.', example: 0.4 }),
  oldest_stuck_seconds: seconds,
  states: z
    .array(
      z.object({
        state: z.string().meta({ example: 'queued' }),
        stage: z.enum(STAGES),
        depth: count,
        oldest_at: z.iso.datetime().nullable(),
      }),
    )
    .meta({ description: 'The same in the words of whoever owns the queue.' }),
})

type QueueView = z.output<typeof queueShape>

/** Figures gathered by queue and kind, in the order in which they were told. */
export function queueViews(figures: readonly QueueFigure[], now: Date): QueueView[] {
  const gathered = Map.groupBy(figures, ({ queue, kind }) => `${queue} ${kind}`)
  return [...gathered.values()].map((states) => {
    const [{ queue, kind }] = states as [QueueFigure]
    const depth = (stage: Stage) => sum(states.filter((each) => each.stage === stage))
    return {
      queue,
      kind,
      ready: depth('ready'),
      later: depth('later'),
      running: depth('running'),
      stuck: depth('stuck'),
      oldest_ready_seconds: waited(states, 'ready', now),
      oldest_stuck_seconds: waited(states, 'stuck', now),
      states: states.map(({ state, stage, depth, oldest_at }) => {
        return { state, stage, depth, oldest_at: oldest_at?.toISOString() ?? null }
      }),
    }
  })
}

function sum(figures: readonly QueueFigure[]): number {
  return figures.reduce((total, { depth }) => total + depth, 0)
}

function waited(figures: readonly QueueFigure[], stage: Stage, now: Date): number | null {
  const moments = figures.flatMap((each) => (each.stage === stage && each.oldest_at ? [each.oldest_at.getTime()] : []))
  // The database's clock may be a moment ahead of ours.
  return moments.length === 0 ? null : Math.max(0, (now.getTime() - Math.min(...moments)) / 1000)
}
