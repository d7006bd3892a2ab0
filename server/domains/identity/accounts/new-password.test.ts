import { expect, test } from 'vitest'
import { newPassword } from './new-password.ts'

test.each([
  'password',
  'Password1!',
  'passwordpassword',
  'qwerty2026',
  'QWERTYUIOP',
  '12345678',
  '87654321',
  'aaaaaaaa',
  'abcabcabc',
  'abcdefgh',
  'hgfedcba',
  'zxcvbnm1',
  'iloveyou!!',
  'admin1234',
  'saldo-2026',
  'пароль123',
  'йцукенгш',
  'পাসওয়ার্ড১',
  'ada.lovelace1',
  'Lovelace99',
])('%s is easy to guess for ada.lovelace', (text) => {
  expect(() => newPassword(text, { email: 'ada.lovelace@example.com' })).toThrow(
    expect.objectContaining({ code: 'bad_field', status: 422, field: 'password' }),
  )
})

test.each(['correct horse battery', 'Tr0ub4dor&3', 'three blind mice', 'गुप्त शब्द यहाँ', 'x7$kQ9!pLm', 'ёлка и санки'])(
  '%s will do',
  (text) => {
    expect(newPassword(text, { email: 'ada.lovelace@example.com' })).toBe(text)
  },
)

test('what is too short or too long is refused under the name of its field', () => {
  for (const text of ['', 'short12', 'x7$kQ9!p'.repeat(33)]) {
    expect(() => newPassword(text, { field: 'new_password' })).toThrow(
      expect.objectContaining({ field: 'new_password' }),
    )
  }
})

test('judging the longest takes no time', () => {
  const start = performance.now()
  for (const text of ['a'.repeat(256), 'ab'.repeat(128), 'qwe '.repeat(64), '0123456789'.repeat(25)]) {
    expect(() => newPassword(text)).toThrow()
  }
  expect(performance.now() - start).toBeLessThan(1_000)
})
