/** Tells of the program from the first that fits; most browsers claim to be several. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:Edg|EdgA|EdgiOS)\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]{1,20} .{0,40}Safari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'Mac'],
  [/\bLinux\b/, 'Linux'],
]
/** A program that is no browser names itself: `curl/8.5.0`, `my-shop/1.2`. */
const PRODUCT = /^([A-Za-z][\w.-]{0,39})(?:\/[\w.+-]{1,20})?(?:\s|$)/

/** What a client that names itself so is, in plain words: `Firefox on Linux`, `curl`, or `Unknown device`. */
export function deviceWords(user_agent: string): string {
  const program = PROGRAMS.find(([sign]) => sign.test(user_agent))?.[1]
  const system = SYSTEMS.find(([sign]) => sign.test(user_agent))?.[1]
  if (program && system) return `${program} on ${system}`
  const product = PRODUCT.exec(user_agent)?.[1]
  if (product !== undefined && product !== 'Mozilla') return product
  return program ?? (system === undefined ? 'Unknown device' : `Unknown program on ${system}`)
}
