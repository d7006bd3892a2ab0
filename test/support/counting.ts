import type { OpenApp } from '#server/app.ts'
import type { Db, Tx } from '#server/platform/db/database.ts'

/** The app with a database that counts statements, those of transactions too. What is remembered by database is not known to it yet. */
export function countingStatements(app: OpenApp): { app: OpenApp; count: () => number } {
  let statements = 0
  const counted = (tx: Tx): Tx => ({
    query: (sql, values) => {
      statements += 1
      return tx.query(sql, values)
    },
    send: (sql, values) => {
      statements += 1
      tx.send(sql, values)
    },
    onCommit: (then) => tx.onCommit(then),
    part: (work) => tx.part((part) => work(counted(part))),
  })
  const db: Db = {
    ...app.db,
    query: (sql, values) => {
      statements += 1
      return app.db.query(sql, values)
    },
    transaction: (work) => app.db.transaction((tx) => work(counted(tx))),
  }
  return { app: { ...app, db }, count: () => statements }
}
