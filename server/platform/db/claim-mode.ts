import type { Config } from '../config/config.ts'
import { type Db, statement } from './database.ts'

/** The database belongs to the other mode. */
export class WrongModeError extends Error {
  override name = 'WrongModeError'
}

const claim = statement(`
  with claimed as (insert into platform.house (mode) values ($1) on conflict do nothing returning mode)
  select mode from claimed union all select mode from platform.house`)

/** Marks a new database with the mode of this process. Throws WrongModeError when it was marked with the other: play money and real keys never meet. */
export async function claimMode(db: Db, mode: Config['mode']): Promise<void> {
  // A twin that claims at the same moment is seen by the second look.
  const [row] = await db.query<{ mode: string }>(claim, [mode])
  const found = row ?? (await db.query<{ mode: string }>('select mode from platform.house'))[0]
  if (found && found.mode !== mode) {
    throw new WrongModeError(
      `This database was made in ${found.mode} mode and SALDO_MODE is ${mode}. Use another database, or SALDO_MODE=${found.mode}.`,
    )
  }
}
