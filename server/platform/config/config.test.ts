import { isAbsolute } from 'node:path'
import { expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'

const SECRET_KEY = Buffer.alloc(32, 7).toString('base64')
const PRODUCTION = { DATABASE_URL: 'postgres://u:pw@db:5432/saldo', SALDO_SECRET_KEY: SECRET_KEY }

/** The message of the refusal; fails where nothing is refused. */
function refusal(source: Record<string, string>): string {
  try {
    readConfig(source)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('nothing was refused')
}

test('with nothing set it is the sandbox, on this machine alone', () => {
  const config = readConfig({})
  expect(config).toMatchObject({
    mode: 'sandbox',
    port: 3000,
    host: '127.0.0.1',
    public_url: undefined,
    database_url: undefined,
    redis_url: undefined,
    secret_key: undefined,
    log_level: 'info',
    db_connections: 10,
    trust_proxy: [],
    allow_private_addresses: true,
  })
  expect(isAbsolute(config.home) && config.home.endsWith('.saldo')).toBe(true)
})

test('a database makes it production, where private addresses stay closed unless opened', () => {
  expect(readConfig(PRODUCTION)).toMatchObject({ mode: 'production', allow_private_addresses: false })
  expect(readConfig({ ...PRODUCTION, SALDO_ALLOW_PRIVATE_ADDRESSES: 'yes' }).allow_private_addresses).toBe(true)
  expect(readConfig({ ...PRODUCTION, SALDO_MODE: 'sandbox', SALDO_ALLOW_PRIVATE_ADDRESSES: 'no' })).toMatchObject({
    mode: 'sandbox',
    allow_private_addresses: true,
  })
})

test('production without a key for secrets does not start', () => {
  expect(refusal({ DATABASE_URL: PRODUCTION.DATABASE_URL })).toMatch(/^SALDO_SECRET_KEY is missing: .*openssl/)
  expect(refusal({ SALDO_MODE: 'production' })).toContain('SALDO_SECRET_KEY')
})

test('every setting is read in its form', () => {
  const config = readConfig({
    ...PRODUCTION,
    PORT: '0',
    REDIS_URL: 'rediss://cache:6380',
    SALDO_HOME: 'data/saldo',
    SALDO_HOST: '0.0.0.0',
    SALDO_PUBLIC_URL: 'https://saldo.example',
    SALDO_LOG_LEVEL: 'silent',
    SALDO_DB_CONNECTIONS: '200',
    SALDO_TRUST_PROXY: '10.0.0.0/8, 192.0.2.1,::1,fd00::/8',
    SALDO_TEST_ANYTHING: 'is for the tests',
    PATH: '/usr/bin',
  })
  expect(config).toMatchObject({
    port: 0,
    redis_url: 'rediss://cache:6380',
    host: '0.0.0.0',
    public_url: 'https://saldo.example',
    log_level: 'silent',
    db_connections: 200,
    trust_proxy: ['10.0.0.0/8', '192.0.2.1', '::1', 'fd00::/8'],
    secret_key: SECRET_KEY,
  })
  expect(isAbsolute(config.home)).toBe(true)
})

test('the captcha is configured whole or not at all', () => {
  const captcha = { SALDO_CAPTCHA_SITE_KEY: 'site', SALDO_CAPTCHA_SECRET: 'hunter2' }
  expect(readConfig({}).captcha).toBeUndefined()
  expect(readConfig(captcha).captcha).toEqual({
    site_key: 'site',
    secret: 'hunter2',
    url: 'https://challenges.cloudflare.com/turnstile/v0/siteverify',
  })
  for (const name of ['SALDO_CAPTCHA_SITE_KEY', 'SALDO_CAPTCHA_SECRET'] as const) {
    expect(refusal({ [name]: captcha[name] })).toMatch(/are set together or not at all$/)
  }
})

test('an empty setting counts as not set', () => {
  expect(readConfig({ PORT: '', SALDO_MODE: '', DATABASE_URL: '', SALDO_TRUST_PROXY: '' })).toMatchObject({
    mode: 'sandbox',
    port: 3000,
    trust_proxy: [],
  })
})

test('a setting in the wrong form is named with the form expected, and its value is not told', () => {
  const wrong: Record<string, string[]> = {
    PORT: ['-1', '65536', '3000.5', '0x10', 'http', '1e3'],
    DATABASE_URL: ['mysql://u:hunter2@db/saldo', 'hunter2'],
    REDIS_URL: ['http://hunter2@cache'],
    SALDO_PUBLIC_URL: ['saldo.example', 'ftp://saldo.example'],
    SALDO_MODE: ['staging'],
    SALDO_SECRET_KEY: ['hunter2', SECRET_KEY.slice(1), `${SECRET_KEY}A`],
    SALDO_LOG_LEVEL: ['verbose', 'INFO'],
    SALDO_DB_CONNECTIONS: ['1', '201', 'ten'],
    SALDO_TRUST_PROXY: ['yes', '10.0.0.0/33', '10.0.0.1;10.0.0.2', '10.0.0.1,'],
    SALDO_ALLOW_PRIVATE_ADDRESSES: ['true', '1', 'YES'],
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const message = refusal({ [name]: value })
      expect(message).toMatch(new RegExp(`^${name} is not as expected: .{5,}`))
      expect(message).not.toContain('hunter2')
    }
  }
})

test('in production mails need an address for their links to lead to; a sandbox links to itself', () => {
  const mail = { SALDO_SMTP_URL: 'smtp://127.0.0.1:25', SALDO_MAIL_FROM: 'house@example.com' }
  const production = { ...mail, SALDO_MODE: 'production', SALDO_SECRET_KEY: SECRET_KEY }
  expect(refusal(production)).toMatch(/^SALDO_PUBLIC_URL is missing: https:\/\/.{5,}/)
  const SALDO_PUBLIC_URL = 'https://saldo.example'
  expect(readConfig({ ...production, SALDO_PUBLIC_URL }).public_url).toBe(SALDO_PUBLIC_URL)
  expect(readConfig({ ...mail, SALDO_MODE: 'sandbox' }).public_url).toBeUndefined()
  expect(readConfig({ SALDO_MODE: 'production', SALDO_SECRET_KEY: SECRET_KEY }).public_url).toBeUndefined()
})

test('an unknown setting is named, with those there are; all problems are told at once', () => {
  const message = refusal({ SALDO_PROT: '1', PORT: 'x', SALDO_MODE: 'y' })
  expect(message.split('\n')).toHaveLength(3)
  expect(message).toContain('SALDO_PROT is not a setting of Saldo. Known: PORT, DATABASE_URL')
})

test.for(['https://abc123@o1.ingest.example.com/42', 'http://abc@127.0.0.1:9000/sentry/7'])(
  '%s is taken as a DSN',
  (dsn) => {
    expect(readConfig({ SALDO_SENTRY_DSN: dsn }).sentry_dsn).toBe(dsn)
  },
)

test.for([
  'https://example.com/42',
  'https://key:secret@example.com/42',
  'https://key@example.com/',
  'https://key@example.com/42?x=1',
  'ftp://key@example.com/42',
  'nonsense',
])('%s is refused as a DSN, and not told again', (dsn) => {
  const failure = (() => {
    try {
      readConfig({ SALDO_SENTRY_DSN: dsn })
    } catch (error) {
      return error as Error
    }
  })()
  expect(failure?.message).toContain('SALDO_SENTRY_DSN is not as expected')
  expect(failure?.message).not.toContain(dsn)
})
