import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listFailures } from '#server/platform/failures/queries.ts'
import { testDatabase } from '#test/support/database.ts'
import { emptySaldoHome } from '#test/support/started-saldo.ts'

const SCRIPT = join(import.meta.dirname, 'failing-process.ts')

test.for([
  ['exception', 'uncaughtException', 'fall'],
  ['rejection', 'unhandledRejection', 'fall'],
])('a process that an uncaught %s ends says so on its way down', async ([how, origin, called]) => {
  const { db, url } = await testDatabase()
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', SCRIPT, url, emptySaldoHome(), how ?? ''],
    {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString()
  })
  let logged = ''
  child.stdout.on('data', (data: Buffer) => {
    logged += data.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  expect([code, said]).toEqual([1, expect.stringContaining(`RangeError: nobody catches this ${how}`)])
  expect(logged).toContain('an error that nobody caught ends the process')
  const { failures } = await listFailures(db, {}, { limit: 10 })
  expect(failures).toMatchObject([
    {
      kind: 'process',
      name: origin,
      error: 'RangeError',
      place: `${called} test/crash/failing-process.ts`,
      occurrences: 1n,
    },
  ])
  expect(await db.query(`select from platform.outbox where type = 'errors.critical'`)).toHaveLength(1)
})
