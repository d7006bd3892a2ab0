import { once } from 'node:events'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { InvariantError } from '#server/kit/invariant.ts'
import { createTestDatabase, dropTestDatabase, testDatabase } from '#test/support/database.ts'
import { CommitUnknownError, type Db, insideTransaction, openDatabase, type Tx } from './database.ts'

async function setup(
  connections = 4,
): Promise<{ db: Db; url: string; errors: Error[]; values: () => Promise<number[]> }> {
  const url = await createTestDatabase()
  const errors: Error[] = []
  const db = openDatabase({ url, connections, application_name: 'saldo test', onError: (error) => errors.push(error) })
  onTestFinished(async () => {
    await db.close()
    await dropTestDatabase(url)
  })
  await db.query(
    'create table item (id int primary key, value int not null default 0, constraint item_value_positive check (value >= 0))',
  )
  const values = async () => (await db.query<{ id: number }>('select id from item order by id')).map((row) => row.id)
  return { db, url, errors, values }
}

const backend = async (tx: Tx) => (await tx.query<{ pid: number }>('select pg_backend_pid() as pid'))[0]?.pid

/** Lets `count` callers through only when all of them have come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let waiting = 0
  return () => {
    waiting += 1
    if (waiting >= count) resolve()
    return promise
  }
}

test('bigint passes unharmed beyond what a number holds', async () => {
  const { db } = await testDatabase()
  const big = 2n ** 53n + 1n
  const sql = 'select $1::int8 as one, array[$1, null, -$1]::int8[] as many, array[]::int8[] as none'
  const read = await db.query(sql, [big])
  expect(read).toEqual([{ one: big, many: [big, null, -big], none: [] }])
  expect(await db.transaction((tx) => tx.query(sql, [big]))).toEqual(read)
})

test('a transaction commits what it wrote and answers what its work answers', async () => {
  const { db, values } = await setup()
  const answer = await db.transaction(async (tx) => {
    tx.send('insert into item (id) values (1)')
    await tx.query('insert into item (id) values ($1)', [2])
    return 'done'
  })
  expect(answer).toBe('done')
  expect(await values()).toEqual([1, 2])
})

test('an error in the work rolls everything back and comes out unchanged', async () => {
  const { db, values } = await setup()
  const refusal = new Error('no')
  const attempt = db.transaction(async (tx) => {
    await tx.query('insert into item (id) values (1)')
    throw refusal
  })
  await expect(attempt).rejects.toBe(refusal)
  expect(await values()).toEqual([])
})

test('a failure of what was only sent fails the commit, and nothing is kept', async () => {
  const { db, values } = await setup()
  const attempt = db.transaction(async (tx) => {
    tx.send('insert into item (id) values (1)')
    tx.send('insert into item (id, value) values (2, -1)')
    tx.send('insert into item (id) values (3)')
  })
  await expect(attempt).rejects.toMatchObject({ constraint: 'item_value_positive' })
  expect(await values()).toEqual([])
})

test('the first failure is the one that is told', async () => {
  const { db } = await setup()
  const attempt = db.transaction(async (tx) => {
    tx.send('insert into item (id, value) values (1, -1)')
    await tx.query('select 1')
  })
  await expect(attempt).rejects.toMatchObject({ constraint: 'item_value_positive' })
})

test('a failure that the work swallowed still fails the commit', async () => {
  const { db, values } = await setup()
  const attempt = db.transaction(async (tx) => {
    await tx.query('insert into item (id) values (1)')
    await tx.query('select 1 / 0').catch(() => undefined)
  })
  await expect(attempt).rejects.toMatchObject({ code: '22012' })
  expect(await values()).toEqual([])
})

test('a deadlock runs the victim again, and both succeed', async () => {
  const { db } = await setup()
  await db.query('insert into item (id) values (1), (2)')
  const bothHaveOne = barrier(2)
  let runs = 0
  const lockBoth = (first: number, second: number) =>
    db.transaction(async (tx) => {
      runs += 1
      await tx.query('update item set value = value + 1 where id = $1', [first])
      await bothHaveOne()
      await tx.query('update item set value = value + 1 where id = $1', [second])
    })
  await Promise.all([lockBoth(1, 2), lockBoth(2, 1)])
  expect(runs).toBe(3)
  expect(await db.query('select value from item')).toEqual([{ value: 2 }, { value: 2 }])
})

test('a twin beaten to a key runs again and then sees the winner', async () => {
  const { db } = await setup()
  await db.query('create table key (name text, constraint key_once primary key (name))')
  const bothHaveLooked = barrier(2)
  const claim = () =>
    db.transaction(async (tx) => {
      const known = await tx.query('select from key where name = $1', ['k'])
      await bothHaveLooked()
      if (known.length > 0) return 'known'
      tx.send('insert into key (name) values ($1)', ['k'])
      return 'first'
    })
  expect((await Promise.all([claim(), claim()])).sort()).toEqual(['first', 'known'])
})

test('a unique violation of another name is not tried again', async () => {
  const { db } = await setup()
  let runs = 0
  const attempt = db.transaction(async (tx) => {
    runs += 1
    await tx.query('insert into item (id) values (1), (1)')
  })
  await expect(attempt).rejects.toMatchObject({ code: '23505' })
  expect(runs).toBe(1)
})

test('onCommit runs after the commit, outside the transaction, and never after a rollback', async () => {
  const { db } = await setup()
  const heard: string[] = []
  const inside = await db.transaction(async (tx) => {
    tx.onCommit(() => heard.push(`committed ${insideTransaction()}`))
    heard.push('work')
    return insideTransaction()
  })
  await db
    .transaction(async (tx) => {
      tx.onCommit(() => heard.push('never'))
      throw new Error('no')
    })
    .catch(() => undefined)
  const refused = db.transaction(async (tx) => {
    tx.onCommit(() => heard.push('never'))
    tx.send('select 1 / 0')
  })
  await expect(refused).rejects.toThrow()
  expect(heard).toEqual(['work', 'committed false'])
  expect([inside, insideTransaction()]).toEqual([true, false])
})

test('an onCommit that throws is reported and neither undoes the answer nor stops the others', async () => {
  const { db, errors, values } = await setup()
  const broken = new Error('listener')
  let heard = false
  await db.transaction(async (tx) => {
    tx.onCommit(() => {
      throw broken
    })
    tx.onCommit(() => {
      heard = true
    })
    tx.send('insert into item (id) values (1)')
  })
  expect([heard, errors, await values()]).toEqual([true, [broken], [1]])
})

test('a transaction inside a transaction is refused', async () => {
  const { db } = await setup()
  const nested = db.transaction(() => db.transaction(async () => undefined))
  await expect(nested).rejects.toThrow(InvariantError)
})

test('a connection that dies during a statement fails the transaction, and the pool goes on', async () => {
  const { db, values } = await setup(2)
  const started = Promise.withResolvers<number | undefined>()
  const attempt = db.transaction(async (tx) => {
    tx.send('insert into item (id) values (1)')
    started.resolve(await backend(tx))
    await tx.query('select pg_sleep(60)')
  })
  const failed = expect(attempt).rejects.toMatchObject({ code: '57P01' })
  await db.query('select pg_terminate_backend($1)', [await started.promise])
  await failed
  expect(await values()).toEqual([])
  await expect(db.transaction((tx) => tx.query('select 1 as one'))).resolves.toEqual([{ one: 1 }])
})

test('a connection that dies between two statements fails the transaction and does not end the process', async () => {
  const { db, values } = await setup(2)
  const attempt = db.transaction(async (tx) => {
    await tx.query('insert into item (id) values (1)')
    const pid = await backend(tx)
    await db.query('select pg_terminate_backend($1)', [pid])
    await goneFrom(db, pid)
    await tx.query('insert into item (id) values (2)')
  })
  await expect(attempt).rejects.toThrow()
  expect(await values()).toEqual([])
  await expect(db.transaction((tx) => tx.query('select 1 as one'))).resolves.toEqual([{ one: 1 }])
})

test('a connection that dies during commit leaves the outcome unknown', async () => {
  const { db, url } = await setup(2)
  // A deferred trigger keeps COMMIT waiting on a lock that another session holds.
  await db.query(`create function wait_at_commit() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock(1); return null; end $$`)
  await db.query(`create constraint trigger wait after insert on item deferrable initially deferred
    for each row execute function wait_at_commit()`)
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  onTestFinished(() => holder.end())
  await holder.query('select pg_advisory_lock(1)')

  const pid = Promise.withResolvers<number | undefined>()
  const attempt = db.transaction(async (tx) => {
    pid.resolve(await backend(tx))
    tx.send('insert into item (id) values (1)')
  })
  const failed = expect(attempt).rejects.toThrow(CommitUnknownError)
  await waitsForLock(db, await pid.promise)
  await db.query('select pg_terminate_backend($1)', [await pid.promise])
  await failed
})

test('errors leave no connection behind in the pool', async () => {
  const { db } = await setup(2)
  for (let round = 0; round < 6; round++) {
    await expect(db.transaction((tx) => tx.query('select 1 / 0'))).rejects.toThrow()
    await expect(db.query('select 1 / 0')).rejects.toThrow()
    await expect(db.transaction(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  }
  const together = barrier(2)
  const both = await Promise.all([db.transaction(together), db.transaction(together)])
  expect(both).toHaveLength(2)
  expect(db.pool.waitingCount).toBe(0)
})

test('a transaction that failed leaves its connection clean for the next', async () => {
  const { db, values } = await setup(1)
  await expect(db.transaction((tx) => tx.query('select 1 / 0'))).rejects.toThrow()
  await db.transaction((tx) => tx.query('insert into item (id) values (7)'))
  expect(await values()).toEqual([7])
})

test('losing an idle connection is reported and not fatal', async () => {
  const { db, url, errors } = await setup(1)
  const [row] = await db.query<{ pid: number }>('select pg_backend_pid() as pid')
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  const noticed = once(db.pool, 'error')
  await other.query('select pg_terminate_backend($1)', [row?.pid])
  await noticed
  expect(errors).toHaveLength(1)
  await expect(db.query('select 1 as one')).resolves.toEqual([{ one: 1 }])
})

test('when closing has ended, no connection is left', async () => {
  const url = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(url))
  const db = openDatabase({
    url,
    connections: 4,
    application_name: 'saldo test',
    onError: (error) => expect.fail(error.message),
  })
  const backends = Array.from({ length: 4 }, () => db.transaction(backend))
  const pids = await Promise.all(backends)
  await db.close()
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  const left = await other.query('select pid from pg_stat_activity where pid = any($1::int[])', [pids])
  expect(left.rows).toEqual([])
})

async function goneFrom(db: Db, pid: number | undefined): Promise<void> {
  while ((await db.query('select from pg_stat_activity where pid = $1', [pid])).length > 0) await nextTurn()
  // The socket's end has reached this process once a round trip begun later has been answered.
  await db.query('select 1')
}

async function waitsForLock(db: Db, pid: number | undefined): Promise<void> {
  const sql = `select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`
  while ((await db.query(sql, [pid])).length === 0) await nextTurn()
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('a part that fails takes back what it wrote, and nothing else of its transaction', async () => {
  const { db, values } = await setup()
  const refusal = new Error('no')
  const woken: string[] = []
  const told = await db.transaction(async (tx) => {
    tx.send('insert into item (id) values (1)')
    const failed = tx.part(async (part) => {
      part.send('insert into item (id) values (2)')
      part.onCommit(() => woken.push('failed'))
      throw refusal
    })
    const caught = await failed.catch((error: Error) => error)
    await tx.part(async (part) => {
      part.send('insert into item (id) values (3)')
      part.onCommit(() => woken.push('kept'))
    })
    return caught
  })
  expect([told, await values(), woken]).toEqual([refusal, [1, 3], ['kept']])
})

test('a statement that fails in a part fails the part, also when it was only sent or its failure was swallowed', async () => {
  const { db, values } = await setup()
  const failing: ((part: Tx) => Promise<unknown>)[] = [
    async (part) => part.send('insert into item (id, value) values (2, -1)'),
    (part) => part.query('select 1 / 0').catch(() => undefined),
    (part) => part.part((inner) => inner.query('select 1 / 0')),
  ]
  const codes = await db.transaction(async (tx) => {
    const told: unknown[] = []
    for (const each of failing) told.push(await tx.part(each).catch((error: pg.DatabaseError) => error.code))
    tx.send('insert into item (id) values (1)')
    return told
  })
  expect(codes).toEqual(['23514', '22012', '22012'])
  expect(await values()).toEqual([1])
})

test('a part may catch the failure of a part of its own and go on', async () => {
  const { db, values } = await setup()
  await db.transaction((tx) =>
    tx.part(async (part) => {
      part.send('insert into item (id) values (1)')
      await part.part((inner) => inner.query('insert into item (id) values (1)')).catch(() => undefined)
      part.send('insert into item (id) values (2)')
    }),
  )
  expect(await values()).toEqual([1, 2])
})

test('parts side by side are a defect', async () => {
  const { db } = await setup()
  const attempt = db.transaction((tx) =>
    Promise.all([tx.part((part) => part.query('select 1')), tx.part((part) => part.query('select 2'))]),
  )
  await expect(attempt).rejects.toThrow(InvariantError)
})
