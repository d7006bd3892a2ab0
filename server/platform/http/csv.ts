/** What spreadsheets take for the beginning of a formula, also behind blanks, and in the full width that some of them turn into the plain. */
const FORMULA = /^[\s\u00A0]*[=+\-@\t\r\n|%＝＋－＠]/u

/** A number is none, though it may begin with a sign. */
const NUMBER = /^-?\d+(?:\.\d+)?$/

/** Tells spreadsheets that the text is UTF-8; they would show other scripts garbled. */
export const CSV_START = '\uFEFF'

/**
 * One line of a CSV file (RFC 4180), its end included. Null and undefined are empty. A text that a spreadsheet would run as a formula gets an apostrophe in
 * front, so that whoever opens the file runs nothing that another wrote.
 */
export function csvLine(cells: readonly (string | null | undefined)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

function csvCell(cell: string | null | undefined): string {
  if (cell === null || cell === undefined || cell === '') return ''
  const harmless = FORMULA.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell
  return `"${harmless.replaceAll('"', '""')}"`
}
