import { expect, test } from 'vitest'
import { readJson } from './json.ts'
import { readPosts } from './read-posts.ts'

const read = (json: string) =>
  readPosts(readJson(json))?.map(({ provider_order_id, quantity }) =>
    quantity === undefined ? provider_order_id : [provider_order_id, quantity],
  )

test.each<[string, unknown]>([
  ['null', []],
  ['false', []],
  ['""', []],
  ['[]', []],
  ['{}', []],
  ['[1,2]', ['1', '2']],
  ['["1"," 2 ","ord_01HG"]', ['1', '2', 'ord_01HG']],
  ['[12345678901234567890]', ['12345678901234567890']],
  ['"1, 2,,3"', ['1', '2', '3']],
  ['17', ['17']],
  ['[1,1,"1"]', ['1']],
  ['{"0":7,"1":8}', ['7', '8']],
  ['{"first":"7"}', ['7']],
  ['{"7":{"status":"Completed"},"8":{"quantity":"12"}}', ['7', ['8', 12n]]],
  ['{"7":"Completed","8":"In progress"}', ['7', '8']],
  ['{"0":{"order":7,"quantity":12}}', [['7', 12n]]],
  ['[{"order":7},{"order_id":"8","quantity":"x"},{"id":9,"quantity":20}]', ['7', '8', ['9', 20n]]],
])('%s is read', (json, expected) => {
  expect(read(json)).toEqual(expected)
})

test.each([
  '[null]',
  '[true]',
  '[0]',
  '[-1]',
  '["a b"]',
  '[[1]]',
  '[{"order":null}]',
  '[{}]',
  '{"0":null}',
  '{"0":true}',
  'true',
  '"1,a b"',
  `["${'x'.repeat(101)}"]`,
  `[${Array.from({ length: 5_001 }, (_, i) => i + 1).join()}]`,
])('in %s something is no id, so that nothing of it counts', (json) => {
  expect(read(json)).toBeUndefined()
})
