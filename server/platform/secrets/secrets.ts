import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { Config } from '../config/config.ts'
import { readOrMakeKeyFile } from './key-file.ts'

/** A text as it is stored: unreadable without the master key that `key_id` names. */
export interface Sealed {
  ciphertext: Buffer
  key_id: string
}

/** Encrypts small secrets for storage (AES-256-GCM). Nothing here ever logs or prints what it handles. */
export interface Secrets {
  /** `context` says what the secret belongs to, such as `providers.provider:7:key`; it must be the same on opening. */
  seal(plain: string, context: string): Sealed
  /** Throws SecretError when the master key is not known, the text was changed, or it belongs to another context. */
  open(sealed: Sealed, context: string): string
  /**
   * HMAC-SHA256 of `text` under a key of its own for `context`, derived from the master key: what only this house can have made.
   * Another master key makes another; retired ones are not asked.
   */
  mac(text: string, context: string): Buffer
}

/** A secret cannot be opened, or the master key cannot be had. The message never holds key or secret. */
export class SecretError extends Error {
  override name = 'SecretError'
}

/**
 * The secrets under the master key of the configuration. In sandbox mode without one, a key is made once in `SALDO_HOME/secret.key`.
 * `retired_keys` (base64) only open what they sealed before: so a master key is changed without losing anything.
 * Throws SecretError on a malformed key.
 */
export async function openSecrets(
  config: Pick<Config, 'mode' | 'home' | 'secret_key'>,
  retired_keys: readonly string[] = [],
): Promise<Secrets> {
  const current = masterKey(await currentKey(config))
  const keys = new Map([current, ...retired_keys.map(masterKey)].map((each) => [each.id, each]))
  return {
    seal: (plain, context) => seal(current, plain, context),
    open: (sealed, context) => {
      const key = keys.get(sealed.key_id)
      if (!key)
        throw new SecretError(`the secret was sealed under master key ${sealed.key_id}, which is not configured`)
      return open(key, sealed.ciphertext, context)
    },
    mac: (text, context) => createHmac('sha256', macKey(current, context)).update(text).digest(),
  }
}

async function currentKey(config: Pick<Config, 'mode' | 'home' | 'secret_key'>): Promise<string> {
  if (config.secret_key) return config.secret_key
  if (config.mode === 'production') throw new SecretError('SALDO_SECRET_KEY is missing')
  return readOrMakeKeyFile(config.home)
}

interface MasterKey {
  id: string
  /** Not its bytes: Node takes four times as long with those. */
  key: KeyObject
}

const KEY_BYTES = 32

function masterKey(base64: string): MasterKey {
  const bytes = Buffer.from(base64.trim(), 'base64')
  if (bytes.length !== KEY_BYTES) throw new SecretError('a master key must be 32 bytes in base64')
  // Derived, so that an id can never name the wrong key; 64 bits of a digest tell nothing about the key.
  const id = createHash('sha256').update('saldo master key id').update(bytes).digest('hex').slice(0, 16)
  return { id, key: createSecretKey(bytes) }
}

/** RFC 5869. Apart from the key that encrypts, so that neither use tells anything of the other. */
function macKey(key: MasterKey, context: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key.key, '', `saldo mac ${context}`, KEY_BYTES))
}

// NIST SP 800-38D: a 96-bit random nonce and a 128-bit tag. Stored as nonce, tag, text.
const NONCE_BYTES = 12
const TAG_BYTES = 16

function seal(key: MasterKey, plain: string, context: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(context))
  const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
  return { ciphertext: Buffer.concat([nonce, cipher.getAuthTag(), text]), key_id: key.id }
}

function open(key: MasterKey, ciphertext: Buffer, context: string): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.key, ciphertext.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(Buffer.from(context))
    decipher.setAuthTag(ciphertext.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const text = ciphertext.subarray(NONCE_BYTES + TAG_BYTES)
    return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8')
  } catch (cause) {
    throw new SecretError(`the secret of ${context} was changed or belongs elsewhere`, { cause })
  }
}
