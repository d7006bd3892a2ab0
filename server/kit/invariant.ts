/** A state the code holds to be impossible. It is a defect of ours, never the caller's fault: it answers 500 and alarms. */
export class InvariantError extends Error {
  override name = 'InvariantError'
}

/** Throws InvariantError with `message` unless `condition` holds. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** The value, when the code holds that it is there; InvariantError otherwise. */
export function present<T>(value: T | null | undefined, message: string): T {
  invariant(value !== null && value !== undefined, message)
  return value
}

/** Closes a `switch` over a union: a case forgotten is a type error, and at run time an InvariantError. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`)
}
