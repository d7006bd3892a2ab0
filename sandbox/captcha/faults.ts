/** What can go wrong with the check of a token. `to` keeps a fault to tokens that contain it. */
export const CAPTCHA_FAULTS = {
  delay: 'answers after `ms` (3000)',
  http_5xx: '`code` (503) with HTML; the token is not spent',
  hang: 'no answer ever; the token is not spent',
  cut_after: 'spends the token, then cuts the connection without an answer',
  bad_json: 'JSON broken off, with 200; the token is spent',
  internal_error: '{"success":false,"error-codes":["internal-error"]}; the token is not spent',
  duplicate: '{"success":false,"error-codes":["timeout-or-duplicate"]} for a token that is neither',
} as const

export type CaptchaFault = keyof typeof CAPTCHA_FAULTS
export const CAPTCHA_FAULT_NAMES = Object.keys(CAPTCHA_FAULTS) as CaptchaFault[]
