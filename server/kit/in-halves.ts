/** An item that failed alone, and how. */
export interface FailedAlone<T> {
  item: T
  error: unknown
}

/**
 * Runs `run` on all items together; when it throws, on each half apart, and so on, so that one item that cannot be done does not hold up its neighbours.
 * Answers those that failed alone. `run` must have no effect when it throws.
 */
export async function runInHalves<T>(
  items: readonly T[],
  run: (items: readonly T[]) => Promise<void>,
): Promise<FailedAlone<T>[]> {
  if (items.length === 0) return []
  try {
    await run(items)
    return []
  } catch (error) {
    const [only] = items
    if (items.length === 1) return [{ item: only as T, error }]
    const half = Math.ceil(items.length / 2)
    return [...(await runInHalves(items.slice(0, half), run)), ...(await runInHalves(items.slice(half), run))]
  }
}
