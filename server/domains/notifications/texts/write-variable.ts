import type { Locale } from '#server/domains/identity/user.ts'
import { unreachable } from '#server/kit/invariant.ts'
import { formatAmount } from '#server/kit/money.ts'
import { FRAMES } from './frames.ts'
import type { Data, Money, Names, VariableType } from './kinds.ts'
import { plainText } from './plain-text.ts'
import { fill } from './template.ts'

/** For whom a text is written. */
export interface Reader {
  locale: Locale
  /** IANA. */
  time_zone: string
}

/** A variable's value in the reader's language and time zone: plain text in one line. A value that is not there is a dash. */
export function writeVariable(type: VariableType, value: Data[string] | undefined, reader: Reader): string {
  if (value === undefined || value === '') return '—'
  switch (type) {
    case 'text':
    case 'link':
      return plainText(String(value))
    case 'count':
    case 'minutes':
      return writeCount(Number(value), reader)
    case 'money':
      return writeMoney(value as Money, reader)
    case 'time':
      return writeTime(String(value), reader)
    case 'names':
      return writeNames(value as Names, reader)
    default:
      return unreachable(type)
  }
}

function writeCount(value: number, { locale }: Reader): string {
  return new Intl.NumberFormat(locale).format(value)
}

/** By the exact decimal, for a sum may have more digits than a number holds. */
function writeMoney({ amount, asset, scale }: Money, { locale }: Reader): string {
  const decimal = formatAmount(BigInt(amount), scale) as Intl.StringNumericLiteral
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: Math.max(2, Math.min(scale, 20)) }
  // ISO 4217 has three letters; other assets are known by their own.
  if (!/^[A-Z]{3}$/.test(asset)) return `${new Intl.NumberFormat(locale, digits).format(decimal)} ${plainText(asset)}`
  return new Intl.NumberFormat(locale, { style: 'currency', currency: asset, ...digits }).format(decimal)
}

function writeTime(iso: string, { locale, time_zone }: Reader): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: time_zone,
    timeZoneName: 'short',
  }).format(new Date(iso))
}

function writeNames({ first, more }: Names, reader: Reader): string {
  const { locale } = reader
  const names = first.map(plainText)
  if (more > 0)
    names.push(
      fill(
        FRAMES[locale].more,
        locale,
        () => writeCount(more, reader),
        () => more,
      ),
    )
  return new Intl.ListFormat(locale, { type: 'conjunction' }).format(names)
}
