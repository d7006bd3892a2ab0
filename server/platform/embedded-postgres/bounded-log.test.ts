import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyHome } from '#test/support/embedded-postgres.ts'
import { BoundedLog } from './bounded-log.ts'

test('never keeps more than two full files, the newest in the one of that name', async () => {
  const file = join(await emptyHome(), 'postgres.log')
  const log = new BoundedLog(file)
  const mib = Buffer.alloc(1024 * 1024, 'x')
  for (let written = 0; written < 35; written++) log.write(mib)
  log.write(Buffer.from('the last line\n'))
  expect((await stat(file)).size + (await stat(`${file}.1`)).size).toBeLessThanOrEqual(20 * 1024 * 1024)
  expect((await readFile(file, 'utf8')).endsWith('the last line\n')).toBe(true)
})

test('goes on where the last run ended, for its owner alone', async () => {
  const file = join(await emptyHome(), 'postgres.log')
  new BoundedLog(file).write(Buffer.from('one\n'))
  new BoundedLog(file).write(Buffer.from('two\n'))
  expect(await readFile(file, 'utf8')).toBe('one\ntwo\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('remembers the last lines', async () => {
  const log = new BoundedLog(join(await emptyHome(), 'postgres.log'))
  for (let line = 1; line <= 100; line++) log.write(Buffer.from(`line ${line}\n`))
  expect(log.lastLines().split('\n')).toHaveLength(12)
  expect(log.lastLines().endsWith('line 99\nline 100')).toBe(true)
})
