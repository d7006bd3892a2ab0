/** Names whose values never go into a log, spelled without case and punctuation. */
const NAMES = new Set(
  'key apikey xapikey token password passwd passphrase secret authorization proxyauthorization cookie setcookie privatekey encryptionkey secretkey signingkey credentials databaseurl redisurl smtpurl'.split(
    ' ',
  ),
)

/** Endings of such names: `new_password`, `client_secret`, `refresh_token`, `provider_api_key`. */
const ENDINGS = /(?:password|secret|token|apikey|secretkey|privatekey)$/

/** Cut here before judging: a longer name is data, not a name. */
const NAME_MAX = 100

const known = new Map<string, boolean>()

/** Names remembered; a caller that sends ever new names must not fill the memory. */
const KNOWN_MAX = 2_000

/** Whether a field, header or parameter of this name holds a secret. `API-Key`, `api_key` and `apiKey` are one name. */
export function isSecretField(name: string): boolean {
  const remembered = known.get(name)
  if (remembered !== undefined) return remembered
  const plain = name
    .slice(-NAME_MAX)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
  const secret = NAMES.has(plain) || ENDINGS.test(plain)
  if (known.size < KNOWN_MAX && name.length <= NAME_MAX) known.set(name, secret)
  return secret
}
