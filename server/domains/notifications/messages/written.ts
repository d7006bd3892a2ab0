/** Who in this process sends messages. */
const senders = new Set<() => void>()

/** Calls `wake` after each commit of this process that put messages on their way. Answers how to stop that. */
export function onMessagesWritten(wake: () => void): () => void {
  senders.add(wake)
  return () => senders.delete(wake)
}

/** Messages were committed. */
export function messagesWritten(): void {
  for (const wake of senders) wake()
}
