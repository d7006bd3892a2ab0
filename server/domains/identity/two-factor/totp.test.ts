import { expect, test } from 'vitest'
import { digestOfRecoveryCode, newRecoveryCode } from './recovery-code.ts'
import { codeAt, isTotpCode, newTotpSecret, stepOfCode } from './totp.ts'

/** "12345678901234567890", the secret of RFC 6238's own examples, in base32. */
const RFC_SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
])('at second %i the code is that of RFC 6238, its last six digits: %s', (second, code) => {
  const at = new Date(second * 1_000)
  expect(codeAt(RFC_SECRET, at)).toBe(code)
  expect(stepOfCode(RFC_SECRET, code, at)).toBe(Math.floor(second / 30))
})

test('a code belongs to its step, seen from the step before and the one after, and from no other', () => {
  const secret = newTotpSecret()
  const at = new Date(1_700_000_000_000)
  const step = Math.floor(at.getTime() / 30_000)
  const code = codeAt(secret, at)
  const seen = [-2, -1, 0, 1, 2].map((steps) => stepOfCode(secret, code, new Date(at.getTime() + steps * 30_000)))
  expect(seen).toEqual([undefined, step, step, step, undefined])
})

test('only six digits are a code of the app', () => {
  for (const text of ['12345', '1234567', '12345a', '', ' 123456', '１２３４５６', '12345\n'])
    expect(isTotpCode(text)).toBe(false)
  expect(isTotpCode('000000')).toBe(true)
})

test('a recovery code has one digest however it is typed, and nothing else has any', () => {
  const code = newRecoveryCode()
  const digest = digestOfRecoveryCode(code)
  expect(digest).toHaveLength(32)
  expect(digestOfRecoveryCode(` ${code.toUpperCase().replaceAll('-', '')} `)).toEqual(digest)
  expect(digestOfRecoveryCode(newRecoveryCode())).not.toEqual(digest)
  for (const text of ['', '123456', code.slice(1), `${code}a`, '0000-0000-0000-0000', 'х'.repeat(16)]) {
    expect(digestOfRecoveryCode(text)).toBeUndefined()
  }
})
