/**
 * Values that are secrets by their form, whatever the field: our keys and tokens (`sk_…`, `ss_…`, `ol_…`, `whsec_…` and their like), password hashes, private
 * keys, one-time password addresses, credentials within a URL, bearer headers. The first characters of a key, by which people recognise it, are none.
 */
const SECRET_VALUE = new RegExp(
  [
    `(?<![A-Za-z0-9])(?:sk|ss|sc|sd|rg)_[A-Za-z0-9_-]{20,}`,
    // The token of a mailed link.
    String.raw`(?<![A-Za-z0-9])ol_\d{1,18}\.[A-Za-z0-9_-]{20,}`,
    `(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/_=-]{16,}`,
    String.raw`\$argon2(?:id|i|d)\$[^\s"']+`,
    `-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]*`,
    String.raw`otpauth:\/\/[^\s"']+`,
    String.raw`(?<=[a-z]:\/\/)[^\s/:@"']{0,200}:[^\s/@"']{1,200}(?=@)`,
    String.raw`(?<=\b(?:[Bb]earer|[Bb]asic) )[A-Za-z0-9._~+/=-]{16,}`,
    // A Telegram bot's token.
    String.raw`(?<!\d)\d{6,12}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])`,
  ].join('|'),
  'g',
)

const MASK = '***'

/** Whether a secret stands somewhere in the text. */
export function hasSecretValue(text: string): boolean {
  SECRET_VALUE.lastIndex = 0
  return SECRET_VALUE.test(text)
}

/** The text with each secret in it replaced by `***`. */
export function maskSecretValues(text: string): string {
  return text.replace(SECRET_VALUE, MASK)
}
