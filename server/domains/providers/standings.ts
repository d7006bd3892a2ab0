import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import type { ProviderRow } from './provider-row.ts'

/** How long a process may go on with what it has read: as long as with the catalogue. */
const STANDINGS_TTL_MS = 2_000
const STANDINGS_KEY = 'providers.standings'

/** Whether a provider is to be given orders. */
export type Standing = Pick<ProviderRow, 'enabled' | 'paused_until' | 'paused_since'>

const standings = statement('select id, enabled, paused_until, paused_since from providers.provider')

interface Kept {
  id: string
  enabled: boolean
  paused_until: string | null
  paused_since: string | null
}

// Read from its text once, not at each placing, claim and recording.
let parsed: { text: string; standings: ReadonlyMap<bigint, Standing> } = { text: '[]', standings: new Map() }

/** How each provider stands, by id. From memory; what changed less than two seconds ago may be missing. */
export async function providerStandings(app: Pick<App, 'db' | 'cache'>): Promise<ReadonlyMap<bigint, Standing>> {
  // As JSON, for a cache shared between processes keeps that.
  const text = await app.cache.getOrLoad(STANDINGS_KEY, STANDINGS_TTL_MS, async () => {
    const rows = await app.db.query<Standing & { id: bigint }>(standings)
    return JSON.stringify(rows.map((row) => ({ ...row, id: String(row.id) })))
  })
  if (parsed.text !== text) parsed = { text, standings: standingsIn(text) }
  return parsed.standings
}

function standingsIn(text: string): Map<bigint, Standing> {
  const rows = JSON.parse(text) as Kept[]
  return new Map(rows.map(({ id, ...row }) => [BigInt(id), { ...row, ...timesOf(row) }]))
}

function timesOf({ paused_until, paused_since }: Kept | Omit<Kept, 'id'>) {
  return { paused_until: timeOf(paused_until), paused_since: timeOf(paused_since) }
}

function timeOf(text: string | null): Date | null {
  return text === null ? null : new Date(text)
}

/** To be called after a provider was switched, paused or resumed: this process knows at once, others within two seconds. */
export async function forgetStandings(app: Pick<App, 'cache'>): Promise<void> {
  await app.cache.forget(STANDINGS_KEY)
}
