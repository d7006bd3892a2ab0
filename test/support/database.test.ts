import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { beginRun, createTestDatabase, dropTestDatabase } from './database.ts'
import { queryOnce } from './embedded-postgres.ts'

test('a run drops what dead runs left, and at its end its own, but nothing of runs that live', async () => {
  const of_this_run = await createTestDatabase()
  onTestFinished(() => dropTestDatabase(of_this_run))
  const this_run = process.env.SALDO_TEST_RUN
  onTestFinished(() => {
    process.env.SALDO_TEST_RUN = this_run
  })
  const dead = `saldo_case_${randomBytes(6).toString('hex')}_0`
  const old_template = `saldo_base_${randomBytes(8).toString('hex')}`
  await queryOnce(of_this_run, `create database ${dead}`)
  await queryOnce(of_this_run, `create database ${old_template} is_template true`)

  const end = await beginRun()
  const of_other_run = await createTestDatabase()
  const names = async () =>
    (await queryOnce<{ datname: string }>(of_this_run, 'select datname from pg_database')).map((row) => row.datname)
  expect(await names()).not.toContain(dead)
  expect(await names()).not.toContain(old_template)
  expect(await names()).toContain(nameOf(of_this_run))
  expect(await names()).toContain(nameOf(of_other_run))

  await end()
  expect(await names()).not.toContain(nameOf(of_other_run))
  expect(await names()).toContain(nameOf(of_this_run))
})

test('each database is as the migrations leave it, and no other test sees it', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()])
  onTestFinished(async () => {
    await Promise.all([one, two].map(dropTestDatabase))
  })
  await queryOnce(one, 'create table here (id int)')
  await expect(queryOnce(two, 'select from here')).rejects.toMatchObject({ code: '42P01' })
  expect((await queryOnce(two, 'select name from platform.migration')).length).toBeGreaterThan(0)
})

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
