import { maskFields } from '../telemetry/mask-text.ts'
import { isSecretField } from '../telemetry/secret-fields.ts'

const MASK = '***'

/** A shorter value stands in ordinary text by chance: masking it would say more than it hides. Its field masks it. */
const SECRET_CHARS_MIN = 4

export interface MaskOptions {
  /** The values known to be secret, such as the provider's key, in their plain form. */
  secrets: readonly string[]
  /** What is kept, at most. */
  chars_max: number
}

/**
 * The text of a request or an answer as it may be stored: the known secrets masked, plain and in the encodings of forms, URLs and JSON; so are the
 * values of fields named like a secret in JSON, forms, queries, multipart parts and header lines. Cut to `chars_max`.
 */
export function maskSecrets(text: string, options: MaskOptions): string {
  return maskKnown(text, knownSecrets(options.secrets), options.chars_max)
}

/** Headers as they may be stored: secret ones masked by name, known secrets in the others by value. */
export function maskHeaders(headers: Readonly<Record<string, string>>, options: MaskOptions): Record<string, string> {
  const known = knownSecrets(options.secrets)
  const masked = Object.entries(headers).map(([name, value]) => {
    return [name, isSecretField(name) ? MASK : maskKnown(value, known, options.chars_max)] as const
  })
  return Object.fromEntries(masked)
}

/** Secrets as they are looked for in texts. */
interface KnownSecrets {
  /** Undefined without any. */
  pattern: RegExp | undefined
  /** The length of the longest spelling. */
  longest: number
}

/** Of lists that are in use: what one call brought is masked in several texts, and a pattern takes longer to make than to use. */
const known_lists = new WeakMap<readonly string[], KnownSecrets>()

function knownSecrets(secrets: readonly string[]): KnownSecrets {
  const before = known_lists.get(secrets)
  if (before) return before
  const forms = spellings(secrets)
  const known = { pattern: forms.length > 0 ? anyOf(forms) : undefined, longest: forms[0]?.length ?? 0 }
  known_lists.set(secrets, known)
  return known
}

function maskKnown(text: string, { pattern, longest }: KnownSecrets, chars_max: number): string {
  // A secret that the cut would halve is still seen whole.
  const window = chars_max + longest
  let masked = text.slice(0, window)
  const whole = masked.length === text.length
  if (pattern) masked = masked.replace(pattern, MASK)
  // Masking moves text to the left, so what is left of a halved secret at the end goes too.
  if (!whole) masked = masked.slice(0, Math.max(0, masked.length - longest))
  masked = maskFields(masked)
  return masked.length <= chars_max && whole ? masked : `${masked.slice(0, chars_max)}…`
}

/** Each secret as it may stand in a text. Longer spellings first, so that no secret hides the rest of another. */
function spellings(secrets: readonly string[]): string[] {
  const forms = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < SECRET_CHARS_MIN) continue
    const url = encodeURIComponent(secret.toWellFormed())
    forms.add(secret)
    forms.add(url)
    forms.add(new URLSearchParams([['', secret]]).toString().slice(1))
    forms.add(JSON.stringify(secret).slice(1, -1))
    forms.add(JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'))
    forms.add(Buffer.from(secret).toString('base64').replaceAll('=', ''))
  }
  return [...forms].sort((a, b) => b.length - a.length)
}

/** Percent-encoding is written in either case, so case does not count. */
function anyOf(forms: readonly string[]): RegExp {
  return new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'gi')
}
