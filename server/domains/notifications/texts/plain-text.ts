/** Longer values are cut: a message is no place for documents. */
const CHARS_MAX = 300

// Control characters, the marks that change the direction of writing (they make "exe.txt" of "txt.exe"), and what is not seen at all.
// Joiners stay: Bengali is written with them.
const UNSEEN = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]+/gu

/** A value from outside as it may stand in one line of a message, a header or a page: well formed, visible, bounded. */
export function plainText(value: string): string {
  const line = value.toWellFormed().replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim()
  if (line.length <= CHARS_MAX) return line
  // By characters, so that none is halved.
  return `${Array.from(line)
    .slice(0, CHARS_MAX - 1)
    .join('')}…`
}
