/** Cached reads of catalogue and reference data. Never balances. Memory alone, or memory and Redis with a bus when REDIS_URL is set. */
export interface Cache {
  /** The value under `key`, or what `load` answers, kept for `ttl_ms`. Concurrent callers share one load. */
  getOrLoad<T>(key: string, ttl_ms: number, load: () => Promise<T>): Promise<T>
  /** Forgets `key` here and, with Redis, everywhere. While Redis is away other processes answer the old value until its time is over. */
  forget(key: string): Promise<void>
  close(): Promise<void>
}
