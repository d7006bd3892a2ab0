import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readTable } from './read-table.ts'

/** How many rows each batch of a table of these rows has. */
async function batchesOf(rows: readonly string[]): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'saldo-table-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'table.csv')
  await writeFile(file, `id,text\n${rows.join('\n')}\n`)
  const sizes: number[] = []
  for await (const batch of readTable(file, ['id'], 100)) sizes.push(batch.length)
  return sizes
}

test('a batch has no more rows than are asked for', async () => {
  expect(await batchesOf(Array.from({ length: 250 }, (_, i) => `${i},x`))).toEqual([100, 100, 50])
})

test('a batch of long rows ends earlier, so that it fits into memory', async () => {
  const text = 'x'.repeat(900_000)
  expect(await batchesOf(Array.from({ length: 11 }, (_, i) => `${i},${text}`))).toEqual([5, 5, 1])
})
