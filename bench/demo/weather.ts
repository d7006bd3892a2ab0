import { FAULT_NAMES, type FaultSetting } from '#sandbox/provider/faults.ts'

/** How often each fault strikes that has its turn. */
const EACH = 0.1

/** All that can happen to `add`, `status` and `balance`, but for what would hide a doubled order. */
const FAULTS = FAULT_NAMES.filter((name) => !/^(services_|booleans_|refill_|cancel_|duplicate_check$)/.test(name))

/** What is slow by itself leaves time for the rest. */
const SMALLER: Readonly<Record<string, Partial<FaultSetting>>> = {
  delay: { ms: 50 },
  huge_body_after: { bytes: 200_000 },
}

/** The faults of one second at one of the providers: every third, by turns, and never the same at two. */
export function weather(second: number, provider: number): Record<string, FaultSetting> {
  const names = FAULTS.filter((_, i) => (i + second + provider) % 3 === 0)
  return Object.fromEntries(names.map((name) => [name, { probability: EACH, ...SMALLER[name] }]))
}
