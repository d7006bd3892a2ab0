import pg from 'pg'

const { builtins } = pg.types

/**
 * How PostgreSQL's types arrive: `int8` as bigint, never as number; `timestamptz` as Date; `numeric` stays text. All else as the driver has it.
 * Kept to our own pools, since the driver's global setting would change libraries' connections too.
 */
export const typesOfSaldo: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === builtins.INT8) return BigInt
    if (format !== 'binary' && oid === INT8_ARRAY) return bigintArray
    if (format !== 'binary' && oid === builtins.TIMESTAMPTZ) return dateOf
    return pg.types.getTypeParser(oid, format as 'text')
  }) as typeof pg.types.getTypeParser,
}

const INT8_ARRAY = 1016

function bigintArray(text: string): (bigint | null)[] {
  if (text === '{}') return []
  return text
    .slice(1, -1)
    .split(',')
    .map((element) => (element === 'NULL' ? null : BigInt(element)))
}

const anyDate = pg.types.getTypeParser(builtins.TIMESTAMPTZ, 'text') as (text: string) => Date
const YEAR_FIRST = 49
const SHORTEST = '2026-01-31 12:00:00+00'.length

/** As sessions in UTC write a date of the years 1000 to 9999, which the driver's own reader takes eight times as long for; it has all others, and `infinity`. */
function dateOf(text: string): Date {
  const { length } = text
  if (length < SHORTEST || text.charCodeAt(0) < YEAR_FIRST || text[4] !== '-' || !text.endsWith('+00'))
    return anyDate(text)
  const [year, month, day] = [number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)]
  const [hour, minute, second] = [number(text, 11, 13), number(text, 14, 16), number(text, 17, 19)]
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds(text, length - 3)))
}

/** The first three digits of the fraction that ends at `end`: what a Date holds of it. */
function milliseconds(text: string, end: number): number {
  let value = 0
  for (let i = 20; i < 23; i++) value = value * 10 + (i < end ? text.charCodeAt(i) - 48 : 0)
  return value
}

function number(text: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) value = value * 10 + (text.charCodeAt(i) - 48)
  return value
}
