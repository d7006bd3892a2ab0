import { expect, test } from 'vitest'
import { hasSecretValue, maskSecretValues } from './secret-values.ts'

const RANDOM = 'Abcdefghij-klmnopqrst_uvwxyz0123456789ABCDE'

const SECRETS = {
  'an API key': `sk_${RANDOM}`,
  'a session token': `ss_${RANDOM}`,
  'a token for the second step of a sign-in': `sc_${RANDOM}`,
  'a token by which a browser is known': `sd_${RANDOM}`,
  'the token of a mailed link': `ol_17.${RANDOM}`,
  'a webhook secret': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'a password hash': '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g',
  'a private key': '-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA',
  'the address of a one-time password': 'otpauth://totp/Saldo:ada?secret=JBSWY3DPEHPK3PXP',
  "a bot's token": '123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0',
}

test.for(Object.entries(SECRETS))('%s is known by its form, and masked wherever it stands', ([, secret]) => {
  for (const text of [secret, `it was "${secret}" once`, `{"x":"${secret}"}`]) {
    expect(hasSecretValue(text), text).toBe(true)
    expect(maskSecretValues(text)).not.toContain(secret)
    expect(maskSecretValues(text)).toContain('***')
  }
})

test('of a URL and a header only the secret is masked', () => {
  expect(maskSecretValues('at postgres://saldo:hunter2@db/saldo')).toBe('at postgres://***@db/saldo')
  expect(maskSecretValues('authorization Bearer abcdefghijklmnop, twice')).toBe('authorization Bearer ***, twice')
})

test.for([
  'sk_AbCdEf',
  'whsec_',
  'task_force_of_twenty_people_and_more',
  'https://example.com/a:b@c',
  'at 12:30 on 2026-11-05',
  'Bearer of bad news',
  'argon2id',
])('"%s" is no secret', (text) => {
  expect(hasSecretValue(text)).toBe(false)
  expect(maskSecretValues(text)).toBe(text)
})

test('a long text takes no longer than its length', () => {
  // A look that grew with the square of the length would run into the test's time-out.
  for (const piece of [
    'sk_',
    'whsec_',
    '-----BEGIN ',
    'a://',
    'a://b:',
    '1',
    '1:',
    'Bearer ',
    'otpauth:',
    '$argon2id',
  ]) {
    expect(hasSecretValue(piece.repeat(1_000_000 / piece.length))).toBeTypeOf('boolean')
  }
})
