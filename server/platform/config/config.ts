import { join, resolve } from 'node:path'
import ipaddr from 'ipaddr.js'
import { z } from 'zod'

/**
 * Every setting that the environment can give, with its form and default. The only place that reads `process.env`.
 * Settings of the business that change while running live in the database.
 */
const SETTINGS = {
  PORT: setting(port().default(3000), 'a port, 0 to 65535; 0 picks a free one'),
  DATABASE_URL: setting(
    url(['postgres:', 'postgresql:']).optional(),
    'postgres://user:password@host:5432/database; without it Saldo runs PostgreSQL by itself',
  ),
  REDIS_URL: setting(url(['redis:', 'rediss:']).optional(), 'redis://host:6379'),
  SALDO_HOME: setting(z.string().min(1).optional(), 'a folder for data and keys; .saldo in the project without it'),
  SALDO_HOST: setting(z.string().min(1).default('127.0.0.1'), 'the address to listen on, such as 127.0.0.1 or 0.0.0.0'),
  SALDO_PUBLIC_URL: setting(
    url(['http:', 'https:']).optional(),
    'https://saldo.example.com, the address under which customers reach Saldo; required in production where mail is sent, whose links lead there',
  ),
  SALDO_MODE: setting(
    z.enum(['sandbox', 'production']).optional(),
    'sandbox or production; without it sandbox where DATABASE_URL is not set',
  ),
  SALDO_SECRET_KEY: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9+/_-]{43}=?$/)
      .optional(),
    '32 random bytes in base64 (openssl rand -base64 32), which encrypt the keys of providers; required in production',
  ),
  SALDO_LOG_LEVEL: setting(
    z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'debug, info, warn, error or silent',
  ),
  SALDO_DB_CONNECTIONS: setting(whole(2, 200).default(10), 'connections of each pool, 2 to 200'),
  SALDO_TRUST_PROXY: setting(
    proxies().optional(),
    'addresses or CIDRs of the proxies in front, comma separated, such as 10.0.0.0/8,::1',
  ),
  SALDO_SMTP_URL: setting(
    url(['smtp:', 'smtps:']).optional(),
    'smtp://user:password@host:587 or smtps://…:465, the server that takes our mail; without it no mail is sent',
  ),
  SALDO_MAIL_FROM: setting(
    sender().optional(),
    'whom mails come from, such as house@example.com or Saldo <house@example.com>; goes with SALDO_SMTP_URL',
  ),
  SALDO_TELEGRAM_TOKEN: setting(
    z
      .string()
      .regex(/^\d{3,20}:[\w-]{3,100}$/)
      .optional(),
    'the token of a Telegram bot, 123456:abc…; without it nothing goes to Telegram',
  ),
  SALDO_TELEGRAM_URL: setting(
    url(['http:', 'https:']).default('https://api.telegram.org'),
    'where the Bot API is, https://api.telegram.org unless you run your own',
  ),
  SALDO_ALLOW_PRIVATE_ADDRESSES: setting(
    flag().default(false),
    'yes or no: whether outbound calls may go to private and loopback addresses; always yes in sandbox mode',
  ),
  SALDO_SENTRY_DSN: setting(
    dsn().optional(),
    'https://<public key>@<host>/<project number>; without it failures are told to no one outside',
  ),
  SALDO_CAPTCHA_SITE_KEY: setting(
    z.string().min(1).max(100).optional(),
    'the public site key of Cloudflare Turnstile; without it and the secret public forms ask for no captcha',
  ),
  SALDO_CAPTCHA_SECRET: setting(z.string().min(1).max(200).optional(), 'the secret key of Cloudflare Turnstile'),
  SALDO_CAPTCHA_URL: setting(
    url(['http:', 'https:']).default('https://challenges.cloudflare.com/turnstile/v0/siteverify'),
    'the address at which tokens of the captcha are checked',
  ),
} as const

/** The settings as the rest of the program sees them. */
export interface Config {
  readonly mode: 'sandbox' | 'production'
  readonly port: number
  readonly host: string
  readonly public_url: string | undefined
  readonly database_url: string | undefined
  readonly redis_url: string | undefined
  readonly home: string
  readonly secret_key: string | undefined
  readonly log_level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  readonly db_connections: number
  readonly trust_proxy: string[]
  readonly smtp_url: string | undefined
  readonly mail_from: string | undefined
  readonly telegram_token: string | undefined
  readonly telegram_url: string
  readonly allow_private_addresses: boolean
  /** Undefined: failures are told to no one outside. */
  readonly sentry_dsn: string | undefined
  /** Undefined: public forms ask for none. */
  readonly captcha: { readonly site_key: string; readonly secret: string; readonly url: string } | undefined
}

/** One or more settings are unknown or malformed; the message names each with the form expected. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Reads and checks the environment (or `source`). Throws ConfigError naming every bad or unknown setting. Never prints values. */
export function readConfig(source: NodeJS.ProcessEnv = process.env): Config {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, { schema, form }] of Object.entries(SETTINGS)) {
    const raw = source[name]
    const parsed = schema.safeParse(raw === '' ? undefined : raw)
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} is not as expected: ${form}`)
  }
  for (const name of Object.keys(source)) {
    if (name.startsWith('SALDO_') && !(name in SETTINGS) && !name.startsWith('SALDO_TEST_')) {
      problems.push(`${name} is not a setting of Saldo. Known: ${Object.keys(SETTINGS).join(', ')}`)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.join('\n'))
  if ((values.SALDO_CAPTCHA_SITE_KEY === undefined) !== (values.SALDO_CAPTCHA_SECRET === undefined)) {
    throw new ConfigError('SALDO_CAPTCHA_SITE_KEY and SALDO_CAPTCHA_SECRET are set together or not at all')
  }
  const config = shape(values as Values)
  if ((config.smtp_url === undefined) !== (config.mail_from === undefined)) {
    const missing = config.smtp_url === undefined ? 'SALDO_SMTP_URL' : 'SALDO_MAIL_FROM'
    throw new ConfigError(`${missing} is missing: ${SETTINGS[missing].form}`)
  }
  if (config.mode === 'production' && !config.secret_key) {
    throw new ConfigError(`SALDO_SECRET_KEY is missing: ${SETTINGS.SALDO_SECRET_KEY.form}`)
  }
  if (config.mode === 'production' && config.smtp_url !== undefined && config.public_url === undefined) {
    throw new ConfigError(`SALDO_PUBLIC_URL is missing: ${SETTINGS.SALDO_PUBLIC_URL.form}`)
  }
  return config
}

type Values = { [K in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[K]['schema']> }

function shape(values: Values): Config {
  const mode = values.SALDO_MODE ?? (values.DATABASE_URL ? 'production' : 'sandbox')
  return {
    mode,
    port: values.PORT,
    host: values.SALDO_HOST,
    public_url: values.SALDO_PUBLIC_URL,
    database_url: values.DATABASE_URL,
    redis_url: values.REDIS_URL,
    home: resolve(values.SALDO_HOME ?? join(import.meta.dirname, '../../../.saldo')),
    secret_key: values.SALDO_SECRET_KEY,
    log_level: values.SALDO_LOG_LEVEL,
    db_connections: values.SALDO_DB_CONNECTIONS,
    trust_proxy: values.SALDO_TRUST_PROXY ?? [],
    sentry_dsn: values.SALDO_SENTRY_DSN,
    smtp_url: values.SALDO_SMTP_URL,
    mail_from: values.SALDO_MAIL_FROM,
    telegram_token: values.SALDO_TELEGRAM_TOKEN,
    telegram_url: values.SALDO_TELEGRAM_URL,
    allow_private_addresses: mode === 'sandbox' || values.SALDO_ALLOW_PRIVATE_ADDRESSES,
    captcha: captchaOf(values),
  }
}

function captchaOf(values: Values): Config['captcha'] {
  const { SALDO_CAPTCHA_SITE_KEY: site_key, SALDO_CAPTCHA_SECRET: secret, SALDO_CAPTCHA_URL: url } = values
  return site_key === undefined || secret === undefined ? undefined : { site_key, secret, url }
}

function setting<S extends z.ZodType>(schema: S, form: string): { schema: S; form: string } {
  return { schema, form }
}

function port() {
  return whole(0, 65_535)
}

function whole(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))
}

function flag() {
  return z.enum(['yes', 'no']).transform((value) => value === 'yes')
}

/** Checked here, so that a typing error stops the start and not the first request. */
function proxies() {
  return z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .refine((parts) => parts.every((part) => ipaddr.isValid(part) || ipaddr.isValidCIDR(part)))
}

/** A bare address, or a name and an address; nothing that could end the header line it stands in. */
function sender() {
  return z
    .string()
    .max(320)
    .regex(/^(?:[^<>"\p{Cc}]{1,100} ?<[^\s<>@]{1,64}@[A-Za-z0-9.-]{3,253}>|[^\s<>@]{1,64}@[A-Za-z0-9.-]{3,253})$/u)
}

/** As Sentry tells it: the project's public key, and its number as the last part of the path. */
function dsn() {
  return url(['http:', 'https:']).refine((value) => {
    // Refinements run even where the one before has refused.
    if (!URL.canParse(value)) return false
    const { username, password, pathname, search, hash } = new URL(value)
    return (
      /^\w{1,64}$/.test(username) && `${password}${search}${hash}` === '' && /^(?:\/[\w.-]+)*\/\d{1,20}$/.test(pathname)
    )
  })
}

function url(protocols: string[]) {
  return z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
}
