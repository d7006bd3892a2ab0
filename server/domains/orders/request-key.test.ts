import { expect, test } from 'vitest'
import { requestKeyOf } from './request-key.ts'

test('a key is the same bare and quoted, and what is not quite quoted is bare', () => {
  const cases: [string | string[] | undefined, string | undefined][] = [
    [undefined, undefined],
    ['', ''],
    ['""', ''],
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ['"abc', '"abc'],
    ['"a"b"', '"a"b"'],
    [['a', 'b'], 'a, b'],
  ]
  for (const [header, key] of cases) expect([header, requestKeyOf(header)]).toEqual([header, key])
})
