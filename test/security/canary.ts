/** A secret that went through the system, and must be readable nowhere. */
export interface Canary {
  /** Of what kind it is. */
  kind: string
  secret: string
  /** Forms in which this kind may stand besides the common ones. */
  also?: readonly string[]
  /** It is told to its owner by mail. */
  mailed?: boolean
}

/** A text that the system left somewhere. */
export interface Trace {
  place: string
  text: string
}

/** Shorter texts are found by chance. */
const CHARS_MIN = 8

/** Every trace in which a canary stands, as `kind in place`. */
export function found(canaries: readonly Canary[], traces: readonly Trace[]): string[] {
  const wanted = canaries.map((canary) => ({ canary, spellings: spellingsOf(canary) }))
  const finds = traces.flatMap(({ place, text }) =>
    wanted
      .filter(({ canary, spellings }) => {
        return !(canary.mailed && place === 'mail') && spellings.some((each) => text.includes(each))
      })
      .map(({ canary }) => `${canary.kind} in ${place}`),
  )
  return [...new Set(finds)]
}

/** The secret as it may stand in a text: plain, escaped, in hexadecimal as bytes of the database are shown, and in base64 wherever it begins. */
export function spellingsOf({ kind, secret, also = [] }: Canary): string[] {
  if (secret.length < CHARS_MIN) throw new Error(`${kind} is too short to be looked for`)
  return [...new Set([secret, ...also].flatMap(spelled))]
}

function spelled(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('hex'),
    ...[0, 1, 2].map((before) => inBase64(secret, before)),
  ]
}

/** What all base64 texts have in common that hold the secret after so many other bytes (modulo 3). */
function inBase64(secret: string, before: number): string {
  const text = Buffer.from(`${'x'.repeat(before)}${secret}`)
    .toString('base64')
    .replace(/=+$/, '')
  return text.slice(before === 0 ? 0 : before + 1, -2)
}
