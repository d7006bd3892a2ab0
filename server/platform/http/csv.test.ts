import { expect, test } from 'vitest'
import { csvLine } from './csv.ts'

test('cells are quoted, and what is not there is empty', () => {
  expect(csvLine(['a', 'say "hi"', 'x,y\r\nz', '', null, undefined, 'বাংলা'])).toBe(
    '"a","say ""hi""","x,y\r\nz",,,,"বাংলা"\r\n',
  )
})

test.for([
  '=1+1',
  '=HYPERLINK("https://example.com","x")',
  '+1',
  '-1+1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '  =1',
  '\u00A0=1',
  '\n=1',
  '|cmd',
  '%0A=1',
  '＝1',
])('%j is no formula any more', (text) => {
  expect(csvLine([text])).toBe(`"'${text.replaceAll('"', '""')}"\r\n`)
})

test.for(['-12.50', '-7', '12', 'a=b', 'users.blocked', '2026-11-24T10:00:00Z'])('%s stays as it is', (text) => {
  expect(csvLine([text])).toBe(`"${text}"\r\n`)
})
