import { BadFieldError } from '../errors.ts'
import { PASSWORD_MAX, PASSWORD_MIN } from '../user.ts'

/** The password as someone chose it. Throws BadFieldError (`field`) for one that is too short, too long, or among those with which guessing begins. */
export function newPassword(text: string, about: { field?: string; email?: string } = {}): string {
  const field = about.field ?? 'password'
  if (text.length < PASSWORD_MIN || text.length > PASSWORD_MAX) {
    throw new BadFieldError(field, `${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`)
  }
  if (isEasy(text, about.email)) {
    throw new BadFieldError(field, 'Too easy to guess. Several words that do not belong together are hard to guess.')
  }
  return text
}

const WORDS =
  'password passwort qwerty letmein welcome iloveyou monkey dragon football admin secret saldo пароль любовь পাসওয়ার্ড'.split(
    ' ',
  )
const ROWS = 'abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm йцукенгшщзхъ фывапролджэ ячсмитьбю'
const BACKWARD = [...ROWS].reverse().join('')
/** Three neighbours in a row of the keyboard or the alphabet are a run. */
const RUN_MIN = 3
/** What an easy password has besides: a sign, a year. */
const OTHERS_MAX = 5

/** Whether little is left without common words, runs, repetitions, and what the address itself tells. */
function isEasy(text: string, email = ''): boolean {
  const plain = text.normalize('NFKC').toLowerCase()
  if (/^(.{1,6})\1+$/u.test(plain)) return true
  const told = email.split(/[@.]/).filter((part) => part.length >= RUN_MIN)
  const without = [...WORDS, ...told].reduce((rest, word) => rest.replaceAll(word, ' '), plain)
  const left = withoutRuns(without.replace(/(.)\1{2,}/gu, ' ')).replaceAll(' ', '')
  return [...left].length <= OTHERS_MAX
}

function withoutRuns(text: string): string {
  let out = ''
  for (let at = 0; at < text.length; ) {
    const length = runAt(text, at)
    out += length >= RUN_MIN ? ' ' : text.slice(at, at + 1)
    at += length >= RUN_MIN ? length : 1
  }
  return out
}

/** How many characters from `at` on stand so in a row. */
function runAt(text: string, at: number): number {
  let length = 1
  while (at + length < text.length) {
    const run = text.slice(at, at + length + 1)
    if (run.includes(' ') || !(ROWS.includes(run) || BACKWARD.includes(run))) break
    length += 1
  }
  return length
}
