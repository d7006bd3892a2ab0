import pg from 'pg'

const { builtins } = pg.types

/**
 * How PostgreSQL's types arrive: `int8` as bigint, never as number; `numeric` stays text. All else as the driver has it.
 * Kept to our own pools, since the driver's global setting would change libraries' connections too.
 */
export const typesOfSaldo: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === builtins.INT8) return BigInt
    if (format !== 'binary' && oid === INT8_ARRAY) return bigintArray
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
