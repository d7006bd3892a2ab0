import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskHeaders, maskSecrets } from './mask.ts'

const SECRET = 'p+q/r=s "t" ünï-1234567890'

function mask(text: string, secrets: string[] = [SECRET], chars_max = 10_000) {
  return maskSecrets(text, { secrets, chars_max })
}

test('a known secret is masked plain and in every encoding it travels in', () => {
  const texts = [
    `said ${SECRET} aloud`,
    `link=${encodeURIComponent(SECRET)}`,
    `link=${encodeURIComponent(SECRET).toLowerCase()}`,
    new URLSearchParams({ comment: SECRET, action: 'add' }).toString(),
    JSON.stringify({ text: SECRET }),
    JSON.stringify({ text: SECRET }).replaceAll('/', '\\/'),
    `Basic ${Buffer.from(SECRET).toString('base64')}`,
  ]
  for (const text of texts) expect(mask(text)).toMatch(/^[^+%ü]*\*\*\*[^+%ü]*$/)
})

test('secret fields are masked in each form, other fields stay', () => {
  const cases = [
    ['{"key":"abc","action":"add"}', '{"key":"***","action":"add"}'],
    ['{"a":{"API-Key" : "a\\"b", "n":1}}', '{"a":{"API-Key" : "***", "n":1}}'],
    ['{"token":12345,"order":1}', '{"token":"***","order":1}'],
    ['{"inner":"{\\"key\\":\\"abc\\",\\"x\\":\\"y\\"}"}', '{"inner":"{\\"key\\":\\"***\\",\\"x\\":\\"y\\"}"}'],
    ['{"key":"cut off he', '{"key":"***"'],
    ['key=abc&action=status&orders=1,2', 'key=***&action=status&orders=1,2'],
    ['https://panel.example/api?action=add&key=abc#x', 'https://panel.example/api?action=add&key=***'],
    ['monkey=1&keys=2', 'monkey=1&keys=2'],
    ['Authorization: Bearer abc\r\nAccept: */*', 'Authorization: ***\r\nAccept: */*'],
    ['form-data; name="password"\r\n\r\nhunter2\r\n--x', 'form-data; name="password"\r\n\r\n***\r\n--x'],
  ] as const
  for (const [text, masked] of cases) expect(mask(text, [])).toBe(masked)
})

test('the text is cut to its limit, and the cut shows nothing of a secret', () => {
  const secret = 'abcdefghijklmnopqrstuvwxyz'
  for (let before = 0; before < 120; before++) {
    const masked = maskSecrets('.'.repeat(before) + secret.repeat(3), { secrets: [secret], chars_max: 100 })
    expect(masked).not.toMatch(/[a-z]{2}/)
    expect(masked.length).toBeLessThanOrEqual(101)
  }
  expect(mask('x'.repeat(200), [], 100)).toBe(`${'x'.repeat(100)}…`)
  expect(mask('x'.repeat(100), [], 100)).toBe('x'.repeat(100))
})

test('no secret survives anywhere in any text', () => {
  const secret = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 }).filter((text) => !/^[*.…]+$/.test(text))
  fc.assert(
    fc.property(fc.string(), secret, fc.string(), fc.nat(60), (before, hidden, after, chars_max) => {
      const masked = maskSecrets(before + hidden + after, { secrets: [hidden], chars_max })
      expect(masked.includes(hidden)).toBe(false)
      expect(masked.length).toBeLessThanOrEqual(Math.max(chars_max, 3) + 1 + before.length + after.length)
    }),
  )
})

test('hostile texts take linear time', () => {
  const texts = [
    'name="a"\n'.repeat(100_000),
    'name="key"\r\nX: y'.repeat(60_000),
    '"key":"'.repeat(150_000),
    '\\"'.repeat(500_000),
    'a=a.'.repeat(250_000),
  ]
  const started = performance.now()
  for (const text of texts) mask(text, [SECRET], 1_000_000)
  // They take about 0.2 s; what is quadratic takes minutes.
  expect(performance.now() - started).toBeLessThan(5_000)
})

test('headers are masked by name and by value', () => {
  const headers = {
    authorization: 'Bearer x',
    'X-Api-Key': 'x',
    'content-type': 'text/html',
    location: `/?q=${SECRET}`,
  }
  expect(maskHeaders(headers, { secrets: [SECRET], chars_max: 1_000 })).toEqual({
    authorization: '***',
    'X-Api-Key': '***',
    'content-type': 'text/html',
    location: '/?q=***',
  })
})
