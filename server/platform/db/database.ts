import { AsyncLocalStorage } from 'node:async_hooks'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { invariant } from '#server/kit/invariant.ts'
import { typesOfSaldo } from './types.ts'

/** A statement of the source, prepared once a connection under `name`. */
export interface Statement {
  readonly name: string
  readonly text: string
}

let statements = 0

/** Declares a statement at module level. The name is only unique in this process; it never leaves the connection. */
export function statement(text: string): Statement {
  statements += 1
  return { name: `s${statements}`, text }
}

/** An open transaction. Whoever moves money or writes more than one row demands one. */
export interface Tx {
  /** Runs one statement and answers its rows. */
  query<Row extends object>(sql: Statement | string, values?: readonly unknown[]): Promise<Row[]>
  /** Sends a write without waiting for it: the next `query` or the commit follows on the wire at once. Its failure fails the commit. */
  send(sql: Statement | string, values?: readonly unknown[]): void
  /** Runs after a successful commit and never after a rollback; for waking others, not for work that must happen. */
  onCommit(then: () => void): void
  /**
   * Runs a part of the transaction that can fail alone: when `part` throws, or a statement in it fails, what it wrote is taken back, its error comes out,
   * and the transaction stands as it did before. Locks that it took stay. One after another or one in another, never side by side (InvariantError).
   */
  part<T>(part: (tx: Tx) => Promise<T>): Promise<T>
}

/** The database. Outside `transaction` each query stands alone. */
export interface Db {
  /** For lists and reports, and for libraries that want a pool. */
  readonly pool: pg.Pool
  query<Row extends object>(sql: Statement | string, values?: readonly unknown[]): Promise<Row[]>
  /**
   * Runs `work` in one READ COMMITTED transaction on a pipelined connection. Deadlocks, and twins that were first to insert into a
   * constraint named `…_once`, run `work` again from the start (it must have no effect outside `tx`). The network is not
   * to be used inside: `insideTransaction()` is true there and the outbound client refuses. Transactions do not nest: one inside
   * another would commit on its own and wait for a second connection (InvariantError).
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface DatabaseOptions {
  url: string
  /** Connections of each of the three pools. */
  connections: number
  application_name: string
  statement_timeout_ms?: number
  onError: (error: Error) => void
}

const scope = new AsyncLocalStorage<true>()

/** Whether the caller runs inside `Db.transaction`. */
export function insideTransaction(): boolean {
  return scope.getStore() === true
}

/** The connection broke while COMMIT was under way: whether it took effect is not known. Ask again with the same key. */
export class CommitUnknownError extends Error {
  override name = 'CommitUnknownError'
}

/**
 * The driver's own ten seconds would close most connections in each lull and open them again, all at once, when it ends. A new one costs a process of the server and every plan that it has
 * yet to make, and those who come meanwhile wait for it; a quiet one costs memory alone.
 */
const IDLE_MAX_MS = 5 * 60_000

/** Opens the pools; connects at the first use. */
export function openDatabase(options: DatabaseOptions): Db {
  const common: pg.PoolConfig = {
    connectionString: options.url,
    max: options.connections,
    application_name: options.application_name,
    types: typesOfSaldo,
    statement_timeout: options.statement_timeout_ms ?? 60_000,
    lock_timeout: 20_000,
    idle_in_transaction_session_timeout: 60_000,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: IDLE_MAX_MS,
    // A peer that vanished without a word is noticed.
    keepAlive: true,
    // What is sent here are reads and writes of few rows. A plan that was made while a table was empty must not read it whole once it has grown;
    // who means to read whole tables switches this on for their transaction.
    options: '-c enable_seqscan=off',
  }
  // One plan does for all values of a statement of the source: planning again takes longer than running. A text that is made for its filters wants a plan for their values.
  const planned = { ...common, options: `${common.options} -c plan_cache_mode=force_generic_plan` }
  const pool = new pg.Pool(common)
  const prepared = new pg.Pool(planned)
  const pipelined = new pg.Pool({ ...planned, pipeline: true } as pg.PoolConfig)
  const pools = [pool, prepared, pipelined]
  for (const each of pools) each.on('error', options.onError)
  // A connection that is closed while the server ends it would otherwise take the process with it. Nothing is lost here: one in use tells its query, an idle one the pool.
  for (const each of pools) each.on('connect', (client) => client.on('error', () => undefined))
  const gone = pools.map(connectionsGone)
  return {
    pool,
    query: async <Row extends object>(sql: Statement | string, values?: readonly unknown[]) =>
      (await (typeof sql === 'string' ? pool : prepared).query<Row>(asQuery(sql, values))).rows,
    transaction: async (work) => {
      invariant(!insideTransaction(), 'a transaction inside a transaction')
      const { result, afterCommit } = await committed(pipelined, work)
      // Out of the scope again: what is woken here is no part of the transaction, nor can it undo it by throwing.
      for (const then of afterCommit) attempt(then, options.onError)
      return result
    },
    close: async () => {
      await Promise.all(pools.map((each) => each.end()))
      await Promise.all(gone.map((wait) => wait()))
    },
  }
}

async function committed<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<Committed<T>> {
  try {
    return await withRetries(() => scope.run(true, () => runTransaction(pool, work)))
  } catch (error) {
    // The driver's stack ends at the socket; from here it leads to the verb whose transaction failed.
    if (error instanceof pg.DatabaseError) Error.captureStackTrace(error)
    throw error
  }
}

/** A peer that no longer answers would keep the process from ending. */
const GOODBYE_MAX_MS = 2_000

/** The pool's own `end` answers when it has said good-bye, not when the connections are gone: who stops the server then would break them. */
function connectionsGone(pool: pg.Pool): () => Promise<void> {
  const open = new Set<Promise<void>>()
  pool.on('connect', (client) => {
    const ended = new Promise<void>((resolve) => client.once('end', resolve)).then(() => {
      open.delete(ended)
    })
    open.add(ended)
  })
  return async () => {
    await Promise.race([Promise.all(open), delay(GOODBYE_MAX_MS, undefined, { ref: false })])
  }
}

function asQuery(sql: Statement | string, values: readonly unknown[] = []): pg.QueryConfig {
  return typeof sql === 'string'
    ? { text: sql, values: values as unknown[] }
    : { name: sql.name, text: sql.text, values: values as unknown[] }
}

/** Five tries: a sixth deadlock in a row is a wrong lock order, and must be seen. */
const TRIES = 5

async function withRetries<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === TRIES || !isWorthAnotherTry(error)) throw error
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries))
    }
  }
}

function isWorthAnotherTry(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return false
  return (
    error.code === '40P01' ||
    error.code === '40001' ||
    (error.code === '23505' && (error.constraint ?? '').endsWith('_once'))
  )
}

/** Whether a statement gave up waiting for a lock, as `lock_timeout` bounds it. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03'
}

function attempt(then: () => void, onError: (error: Error) => void): void {
  try {
    then()
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)))
  }
}

interface Committed<T> {
  result: T
  afterCommit: (() => void)[]
}

/** So much is worth a write of its own, for the server to work on while the next is put together. */
const GATHERED_MAX = 65_536

/**
 * Lets the small statements that are sent in one turn leave in one write: each write is a system call, which costs more than sending a small statement.
 */
function gathering(client: pg.PoolClient): () => void {
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection
  let gathered = false
  const leave = () => {
    if (!gathered) return
    gathered = false
    stream.uncork()
  }
  return () => {
    if (stream.writableLength > GATHERED_MAX) leave()
    if (gathered) return
    gathered = true
    stream.cork()
    // After the promises of this turn.
    process.nextTick(leave)
  }
}

async function runTransaction<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>): Promise<Committed<T>> {
  const client = await pool.connect()
  const sent = new Sent()
  const afterCommit: (() => void)[] = []
  let broken: Error | undefined
  // A connection that breaks between two statements says so here; without a listener the process would end.
  const onBroken = (error: Error) => {
    broken = error
  }
  client.on('error', onBroken)
  const gather = gathering(client)
  try {
    gather()
    sent.watch(client.query('begin'))
    const tx = txOn({ client, gather, sent, afterCommit, depth: 0 })
    const result = await runWork(client, sent, () => work(tx))
    gather()
    await commit(client, sent)
    return { result, afterCommit }
  } catch (error) {
    if (error instanceof CommitUnknownError || error instanceof RollbackFailedError) broken ??= error
    throw error instanceof RollbackFailedError ? error.cause : error
  } finally {
    client.off('error', onBroken)
    client.release(broken)
  }
}

/** A transaction, or a part of one, on its connection. */
interface Span {
  client: pg.PoolClient
  gather: () => void
  sent: Sent
  afterCommit: (() => void)[]
  depth: number
}

function txOn(span: Span): Tx {
  const { client, gather, sent, afterCommit } = span
  let inPart = false
  const send = <Row extends object>(sql: Statement | string, values?: readonly unknown[]) => {
    gather()
    return sent.watch(client.query<Row>(asQuery(sql, values)))
  }
  return {
    query: async <Row extends object>(sql: Statement | string, values?: readonly unknown[]) =>
      (await send<Row>(sql, values)).rows,
    send: (sql, values) => void send(sql, values),
    onCommit: (then) => afterCommit.push(then),
    part: async (work) => {
      invariant(!inPart, 'two parts of a transaction side by side')
      inPart = true
      try {
        return await runPart(span, work)
      } finally {
        inPart = false
      }
    },
  }
}

async function runPart<T>(span: Span, work: (tx: Tx) => Promise<T>): Promise<T> {
  const { client, sent, gather } = span
  const part: Span = { ...span, sent: new Sent(), afterCommit: [], depth: span.depth + 1 }
  const name = `part_${part.depth}`
  gather()
  sent.watch(client.query(`savepoint ${name}`))
  try {
    const result = await work(txOn(part))
    await part.sent.settled()
    if (part.sent.failure) throw part.sent.failure
    gather()
    sent.watch(client.query(`release savepoint ${name}`))
    span.afterCommit.push(...part.afterCommit)
    return result
  } catch (error) {
    await part.sent.settled()
    // Where even this fails the connection is gone, and with it the whole transaction.
    await sent.watch(client.query(`rollback to savepoint ${name}`))
    throw part.sent.failure ?? error
  }
}

/** The connection is of no more use; `cause` is why the transaction failed. */
class RollbackFailedError extends Error {
  override name = 'RollbackFailedError'
}

async function runWork<T>(client: pg.PoolClient, sent: Sent, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await sent.settled()
    // A statement that failed aborts those behind it: the first failure is the cause.
    const cause = sent.failure ?? error
    await client.query('rollback').catch(() => {
      throw new RollbackFailedError('rollback failed', { cause })
    })
    throw cause
  }
}

async function commit(client: pg.PoolClient, sent: Sent): Promise<void> {
  const committed = client.query('commit')
  const [outcome] = await Promise.allSettled([committed, sent.settled()])
  // The server refused a statement, so it cannot have committed.
  if (sent.failure instanceof pg.DatabaseError) throw sent.failure
  if (outcome.status === 'rejected') {
    if (outcome.reason instanceof pg.DatabaseError && !isShutdown(outcome.reason)) throw outcome.reason
    throw new CommitUnknownError('the connection broke during commit', { cause: sent.failure ?? outcome.reason })
  }
  if (sent.failure) throw sent.failure
  if (outcome.value.command !== 'COMMIT') throw new Error(`commit answered ${outcome.value.command}`)
}

/** The server ended the session (57P01 and its like), perhaps after COMMIT had taken effect. */
function isShutdown(error: pg.DatabaseError): boolean {
  return error.code?.startsWith('57P') ?? false
}

/** What was sent in a transaction: remembers the first failure, so that none is lost and none is an unhandled rejection. */
class Sent {
  failure: Error | undefined
  #open: Promise<unknown>[] = []

  watch<T>(query: Promise<T>): Promise<T> {
    this.#open.push(
      query.catch((error: Error) => {
        this.failure ??= error
      }),
    )
    return query
  }

  async settled(): Promise<void> {
    await Promise.all(this.#open)
  }
}
