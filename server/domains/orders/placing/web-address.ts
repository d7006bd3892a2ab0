/** As long as browsers take. */
const ADDRESS_MAX = 2_048

/** Whether this is a web address, with or without its scheme; other schemes, blanks and control characters are none. */
export function isWebAddress(text: string): boolean {
  if (text.length > ADDRESS_MAX || !/^[^\s\p{Cc}\p{Cs}]+$/u.test(text)) return false
  // What stands before a colon and digits is a host and its port.
  const address = /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text) ? text : `https://${text}`
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname.includes('.')
}
