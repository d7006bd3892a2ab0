import type { Json } from './act.ts'

/**
 * What changed between two states of a thing, for its act: those of the fields `names` that differ, as they were and as they are. Undefined when none does,
 * so that nothing is recorded of a change that changed nothing. Fields that hold a secret are not to be named.
 */
export function differences<Name extends string>(
  before: Readonly<Record<NoInfer<Name>, Json | undefined>>,
  after: Readonly<Record<NoInfer<Name>, Json | undefined>>,
  names: readonly Name[],
): { before: Json; after: Json } | undefined {
  const changed = names.filter((name) => written(before[name]) !== written(after[name]))
  if (changed.length === 0) return undefined
  const of = (side: Readonly<Record<Name, Json | undefined>>): Json =>
    Object.fromEntries(changed.map((name) => [name, side[name] ?? null]))
  return { before: of(before), after: of(after) }
}

/** Two values are the same when they read the same. */
function written(value: Json | undefined): string {
  return JSON.stringify(value ?? null, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each))
}
