import { MemoryDriver, memoryDriver } from 'bentocache/drivers/memory'
import { decodeJson } from '#server/kit/json.ts'

/**
 * The cache's layer in memory, which keeps the values themselves and not their JSON, so that a hit on a whole catalogue costs nothing. The
 * library's own does so too, but it is handed JSON where a value comes from Redis, and later takes that for the value.
 */
class ReferenceDriver extends MemoryDriver {
  override set(key: string, value: string, ttl?: number): boolean {
    // Declared as text; without serialisation it is the entry itself.
    const entry: unknown = typeof value === 'string' ? decodeJson(value) : value
    return super.set(key, entry as string, ttl)
  }
}

/** A memory layer of at most `items_max` entries. */
export function referenceDriver(items_max: number): ReturnType<typeof memoryDriver> {
  const { options } = memoryDriver({ maxItems: items_max, serialize: false })
  return { options, factory: (config) => new ReferenceDriver(config) }
}
