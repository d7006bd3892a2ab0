import { coalesce } from '#server/kit/coalesce.ts'
import { invariant } from '#server/kit/invariant.ts'
import { type Db, insideTransaction, type Tx } from '#server/platform/db/database.ts'
import { checkEntry } from './check-entry.ts'
import { contentHash, type Entry, type EntryOutcome } from './entry.ts'
import { postChecked } from './post-entries.ts'

/**
 * What a posting costs is mostly the accounts that it moves, each locked and written once however often it is moved: by so many at once that is a fifth less than by half as many. While
 * one batch is written, the callers of the one before go on and make the next, so two of them are under way.
 */
const BATCH_MAX = 8_192

/** About two seconds of postings at full speed; whoever comes later had better hear no at once. */
const WAITING_MAX = 100_000

/** The ledger for callers who post one entry each, in a transaction that is the ledger's own. */
export interface Ledger {
  /**
   * Posts one entry durably, together with those of other callers at the same time. QueueFullError when too many wait, InvariantError for an entry
   * that cannot be stored. Any other error leaves open whether it was posted: ask again with the same key; without one that is never known.
   */
  postEntry(entry: Entry): Promise<EntryOutcome>
}

interface Checked {
  entry: Entry
  hash: string
}

/** Opens the ledger; one for the process, for what does not pass through the same one is not gathered into the same batch. */
export function openLedger(db: Db): Ledger {
  const post = coalesce((batch: Checked[]) => db.transaction((tx) => postBatch(tx, batch)), {
    max: BATCH_MAX,
    weigh: ({ entry }) => entry.movements.length,
    // NOTE: measured; a second batch meets the first one's locks, and rows locked after a wait are checked again one by one.
    lanes: 1,
    queue_max: WAITING_MAX,
  })
  return {
    postEntry: (entry) => {
      try {
        invariant(!insideTransaction(), 'postEntry inside a transaction; use postEntries there')
        checkEntry(entry)
      } catch (error) {
        return Promise.reject(error)
      }
      // Here and not in the batch: meanwhile the one before it is being written.
      return post({ entry, hash: contentHash(entry) })
    },
  }
}

function postBatch(tx: Tx, batch: readonly Checked[]): Promise<EntryOutcome[]> {
  return postChecked(
    tx,
    batch.map(({ entry }) => entry),
    batch.map(({ hash }) => hash),
  )
}
