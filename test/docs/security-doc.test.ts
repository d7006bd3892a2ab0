import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const TEXT = readFileSync(join(ROOT, 'docs/security.md'), 'utf8')

/** Requirements of levels 1 and 2 of ASVS 5.0.0, by chapter. */
const REQUIREMENTS = 253

test('every path that the document names is in the tree', () => {
  const code = [...TEXT.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  const links = [...TEXT.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map((match) => join('docs', match[1] ?? ''))
  const paths = [...code.filter((each) => /^(server|test|db|docs|sandbox|tools|bench)\//.test(each)), ...links]
  expect(paths.length).toBeGreaterThan(100)
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})

test('every requirement of both levels is answered once', () => {
  const rows = TEXT.split('\n').filter((line) => /^\| V?\d/.test(line))
  const numbers = rows.flatMap((row) => numbersOf(row.split('|')[1] ?? ''))
  expect(numbers.filter((number, i) => numbers.indexOf(number) !== i)).toEqual([])
  expect(numbers.length).toBe(REQUIREMENTS)
})

/** `1.2.1, 1.2.3–1.2.5` as each number. */
function numbersOf(cell: string): string[] {
  return cell.split(',').flatMap((part) => {
    const [first = '', last = first] = part.trim().split('–')
    const before = first.split('.').slice(0, 2).join('.')
    const [from, to] = [first, last].map((each) => Number(each.split('.').at(-1))) as [number, number]
    return Array.from({ length: to - from + 1 }, (_, i) => `${before}.${from + i}`)
  })
}
