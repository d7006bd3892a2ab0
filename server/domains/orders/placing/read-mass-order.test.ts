import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MASS_LINES_MAX, readMassOrder } from './read-mass-order.ts'

test('each line that is not empty is an order, under its number in the text', () => {
  expect(readMassOrder(' 1 | https://example.com/a | 100 \r\n\n2|https://example.com/b\r3|x|\n')).toEqual([
    { line: 1, asked: { service_id: 1n, link: 'https://example.com/a', quantity: '100' } },
    { line: 3, asked: { service_id: 2n, link: 'https://example.com/b', quantity: undefined } },
    { line: 4, asked: { service_id: 3n, link: 'x', quantity: undefined } },
  ])
})

test.each(['1', '1|a|2|3', 'https://example.com', '1|a|b|c|d'])('%j is no order, and is told so alone', (line) => {
  const [first, bad, last] = readMassOrder(`1|a|1\n${line}\n2|b|2`) ?? []
  expect([first?.line, bad?.line, last?.line]).toEqual([1, 2, 3])
  expect(bad?.asked).toMatchObject({ code: 'line_invalid' })
  expect(last?.asked).toMatchObject({ service_id: 2n })
})

test('a service that is no number is one that nobody has, and a text that is too long is refused whole', () => {
  for (const odd of ['x', '-1', '01', '', '9'.repeat(40)]) {
    expect(readMassOrder(`${odd}|a|1`)).toMatchObject([{ asked: { service_id: 0n } }])
  }
  expect(readMassOrder('1|a|1\n'.repeat(MASS_LINES_MAX))).toHaveLength(MASS_LINES_MAX)
  expect(readMassOrder('1|a|1\n'.repeat(MASS_LINES_MAX + 1))).toBeUndefined()
  expect(readMassOrder('\n \r\n')).toEqual([])
})

test('no text throws, and no line is answered twice or left out', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('1', '|', '\n', '\r', 'a', ' ') }), (text) => {
      const lines = readMassOrder(text)?.map(({ line }) => line) ?? []
      const filled = text.split(/\r\n|\n|\r/).flatMap((line, i) => (line.trim() === '' ? [] : [i + 1]))
      expect(lines).toEqual(filled.length > MASS_LINES_MAX ? [] : filled)
    }),
  )
})
