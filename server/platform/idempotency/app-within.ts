import type { App } from '../app.ts'
import type { Cache } from '../cache/cache.ts'
import type { Db, Tx } from '../db/database.ts'

/**
 * The app as seen from within a transaction: what a verb does with its database becomes part of `tx`, also a transaction of its own. So a verb that was
 * written to stand alone can be made to succeed or fail together with something else. Its process-wide memories know nothing of what is not committed: the cache is
 * neither read nor filled, and forgets after the commit.
 */
export function appWithin(app: App, tx: Tx): App {
  return { ...app, db: dbWithin(app.db, tx), cache: cacheWithin(app, tx) }
}

function dbWithin(db: Db, tx: Tx): Db {
  return {
    pool: db.pool,
    query: tx.query,
    transaction: (work) => tx.part(work),
    // It is not ours.
    close: async () => {},
  }
}

function cacheWithin({ cache, log }: App, tx: Tx): Cache {
  return {
    getOrLoad: (_key, _ttl_ms, load) => load(),
    forget: async (key) => {
      tx.onCommit(() => {
        cache.forget(key).catch((err: Error) => log.warn({ err, key }, 'a cached value could not be forgotten'))
      })
    },
    close: async () => {},
  }
}
