import type { Db } from './database.ts'

/** Reads the database as it was at one moment. */
export interface Snapshot {
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>
}

/** Hashes ten million rows in a few passes. Each reader, and each process that helps it, may use this twice over. */
const WORK_MEM = '64MB'

/**
 * Lends `work` as many readers as asked, all of which see the database as it was at one moment, while it goes on living. They may run side by side.
 * No limit of time is set, for a proof takes as long as what it proves is large.
 */
export async function readSnapshot<T>(db: Db, readers: number, work: (readers: Snapshot[]) => Promise<T>): Promise<T> {
  const clients = await Promise.all(Array.from({ length: readers }, () => db.pool.connect()))
  try {
    const snapshots = clients.map(
      (client): Snapshot => ({
        query: async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
          (await client.query<Row>(sql, values as unknown[])).rows,
      }),
    )
    let shared: string | undefined
    for (const snapshot of snapshots) shared = await begin(snapshot, shared)
    return await work(snapshots)
  } finally {
    // Closed, not given back: a reader may still be under way when another has failed.
    for (const client of clients) client.release(true)
  }
}

/** Begins on the snapshot named, or on one of its own; answers its name. */
async function begin(snapshot: Snapshot, shared: string | undefined): Promise<string> {
  await snapshot.query('begin isolation level repeatable read read only')
  if (shared) await snapshot.query(`set transaction snapshot '${shared}'`)
  await snapshot.query(`select set_config(name, value, true) from (values ('statement_timeout', '0'),
    ('idle_in_transaction_session_timeout', '0'), ('work_mem', '${WORK_MEM}'), ('jit', 'off'), ('enable_seqscan', 'on')) as setting (name, value)`)
  if (shared) return shared
  const [row] = await snapshot.query<{ name: string }>('select pg_export_snapshot() as name')
  return row?.name ?? ''
}
