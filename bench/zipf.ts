/**
 * Picks items as people meet: the k-th most popular k times as rarely as the first (Zipf, exponent 1). Popularity is spread over the items by a fixed stride, so that
 * it does not follow their order.
 */
export function zipfPicker<T>(items: readonly T[]): () => T {
  const shares = new Float64Array(items.length)
  let total = 0
  for (let rank = 0; rank < items.length; rank++) {
    total += 1 / (rank + 1)
    shares[rank] = total
  }
  return () => items[(rankOf(shares, Math.random() * total) * STRIDE) % items.length] as T
}

/** A prime beyond any number of items we have, so that each rank meets an item of its own. */
const STRIDE = 7_919_411

function rankOf(shares: Float64Array, value: number): number {
  let low = 0
  let high = shares.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((shares[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}
