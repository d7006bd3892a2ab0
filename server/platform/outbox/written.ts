/** Who in this process wants to know that events were committed. */
const listeners = new Set<() => void>()

/** Calls `listener` after each commit of this process that emitted. Answers how to stop that. */
export function onOutboxWritten(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Events were committed. */
export function outboxWritten(): void {
  for (const listener of listeners) listener()
}
