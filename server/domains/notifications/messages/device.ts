/** What we know browsers and programs by, the more special first: each says to be the ones behind it too. */
const PROGRAMS = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
] as const

const SYSTEMS = [
  [/\b(?:iPhone|iPad)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
] as const

/**
 * `Firefox, Linux`, of words of our own alone; empty for what is not known. Nothing of the text itself is in the answer, not even its first word as in the list of
 * sessions: mail programs make links of what looks like one.
 */
export function deviceOf(user_agent: string | undefined): string {
  const text = (user_agent ?? '').slice(0, 300)
  const known = [PROGRAMS, SYSTEMS].map((list) => list.find(([pattern]) => pattern.test(text))?.[1])
  return known.filter((name) => name !== undefined).join(', ')
}
