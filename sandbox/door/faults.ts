import { z } from 'zod'
import { ControlError, readInput } from '../provider/control-input.ts'

/** How often a fault strikes, and how. Each server's table says what `code`, `text` and `ms` mean for it. */
export interface FaultSetting {
  /** 0 to 1. */
  probability: number
  /** At most so many times. */
  limit?: number | undefined
  /** Only for whoever has this in the address or is this chat. */
  to?: string | undefined
  code?: number | undefined
  text?: string | undefined
  ms?: number | undefined
}

const SETTING = z.strictObject({
  probability: z.number().min(0).max(1).default(1),
  limit: z.int().min(1).optional(),
  to: z.string().min(1).max(254).optional(),
  code: z.int().min(300).max(599).optional(),
  text: z.string().min(1).max(200).optional(),
  ms: z.int().min(0).max(3_600_000).optional(),
})

/** The faults of one server, by name. */
export interface Faults<Name extends string> {
  /** Replaces all. Throws ControlError for an unknown name or a setting that makes no sense. */
  set(value: unknown): void
  view(): Record<string, FaultSetting>
  /** How often each took effect. */
  fired(): Record<string, number>
  /** The setting when the fault strikes now, for this recipient. Counts it. */
  strikes(name: Name, to: string): FaultSetting | undefined
}

/** Faults of these names, all off. `random` answers 0 to below 1. */
export function openFaults<Name extends string>(
  names: readonly Name[],
  random: () => number = Math.random,
): Faults<Name> {
  let settings = new Map<string, FaultSetting>()
  const fired = new Map<string, number>()
  const since = new Map<string, number>()
  return {
    set: (value) => {
      const given = Object.entries(readInput(z.record(z.string(), z.unknown()), value))
      settings = new Map(
        given.map(([name, each]) => {
          if (!names.includes(name as Name))
            throw new ControlError(`${name}: unknown fault; known are ${names.join(', ')}`)
          return [name, readInput(SETTING, typeof each === 'number' ? { probability: each } : each, name)]
        }),
      )
      since.clear()
    },
    view: () => Object.fromEntries(settings),
    fired: () => Object.fromEntries(fired),
    strikes: (name, to) => {
      const setting = settings.get(name)
      const times = since.get(name) ?? 0
      if (setting === undefined || times >= (setting.limit ?? Number.POSITIVE_INFINITY)) return undefined
      if (setting.to !== undefined && !to.includes(setting.to)) return undefined
      if (random() >= setting.probability) return undefined
      since.set(name, times + 1)
      fired.set(name, (fired.get(name) ?? 0) + 1)
      return setting
    },
  }
}
