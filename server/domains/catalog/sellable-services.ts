import type { Db } from '#server/platform/db/database.ts'
import { selectAllServices, selectRevision } from './queries.ts'
import type { CatalogApp, Service } from './service.ts'
import { selectQuarantines, selectSourcings } from './sources/queries.ts'
import { type Quarantine, type Sourcing, soldThrough } from './sources/source.ts'

/**
 * How long a process may go on with a revision it has read. It bounds how old a price can be, seen from other processes than the one that
 * changed it: an order is priced by the row it read, at most this old.
 */
export const REVISION_TTL_MS = 2_000

const REVISION_KEY = 'catalog.revision'

/** One revision of the catalogue as this process holds it. Never changed once made. */
interface Snapshot {
  revision: bigint
  by_id: ReadonlyMap<bigint, Service>
  /** Those sold, by category and position. */
  active: readonly Service[]
  routing: Routing
  rendered: Map<string, string>
}

/** What decides where orders go, of one revision of the catalogue. */
export interface Routing {
  /** Services with several sources, by id. */
  sourcings: ReadonlyMap<bigint, Sourcing>
  /** What gets no orders for a while, by id. */
  quarantines: ReadonlyMap<bigint, Quarantine>
}

interface Holder {
  snapshot: Snapshot | undefined
  loading: Promise<Snapshot> | undefined
}

// By database, so that two apps in one process, as in tests, do not see each other's catalogue.
const holders = new WeakMap<Db, Holder>()

/** The services of these ids, sold or not (`active` tells), by id. Ids that do not exist are absent. From memory unless the catalogue has changed. */
export async function servicesByIds(app: CatalogApp, ids: readonly bigint[]): Promise<Map<bigint, Service>> {
  const { by_id } = await currentSnapshot(app)
  const found = new Map<bigint, Service>()
  for (const id of ids) {
    const service = by_id.get(id)
    if (service) found.set(id, service)
  }
  return found
}

/** The services that are sold, by category and position. From memory unless the catalogue has changed. */
export async function activeServices(app: CatalogApp): Promise<readonly Service[]> {
  return (await currentSnapshot(app)).active
}

/** What services with several sources are bought from. From memory unless the catalogue has changed. */
export async function readRouting(app: CatalogApp): Promise<Routing> {
  return (await currentSnapshot(app)).routing
}

/** What `render` makes of the services that are sold, made once for each change of the catalogue and `form`. `form` names the rendering. */
export async function renderedServices(
  app: CatalogApp,
  form: string,
  render: (services: readonly Service[]) => string,
): Promise<string> {
  const snapshot = await currentSnapshot(app)
  const known = snapshot.rendered.get(form)
  if (known !== undefined) return known
  const text = render(snapshot.active)
  snapshot.rendered.set(form, text)
  return text
}

/** To be called after a change of services has committed: this process reads them anew at once, others within REVISION_TTL_MS. */
export async function forgetServices(app: CatalogApp): Promise<void> {
  await app.cache.forget(REVISION_KEY)
}

async function currentSnapshot(app: CatalogApp): Promise<Snapshot> {
  // As text, for a cache shared between processes keeps JSON.
  const read = await app.cache.getOrLoad(REVISION_KEY, REVISION_TTL_MS, async () =>
    String(await selectRevision(app.db)),
  )
  const revision = BigInt(read)
  const holder = holderOf(app.db)
  // The higher revision wins: a read that was slow to come never brings an older catalogue back.
  if (holder.snapshot && holder.snapshot.revision >= revision) return holder.snapshot
  holder.loading ??= load(app.db, holder).finally(() => {
    holder.loading = undefined
  })
  const loaded = await holder.loading
  return loaded.revision >= revision ? loaded : currentSnapshot(app)
}

function holderOf(db: Db): Holder {
  let holder = holders.get(db)
  if (!holder) {
    holder = { snapshot: undefined, loading: undefined }
    holders.set(db, holder)
  }
  return holder
}

async function load(db: Db, holder: Holder): Promise<Snapshot> {
  // The revision first: the rows may then be newer than it says, and are read once more; never older.
  const revision = await selectRevision(db)
  const rows = await selectAllServices(db)
  const sourcings = await selectSourcings(db, new Map(rows.map((row) => [row.id, row])))
  const quarantines = await selectQuarantines(db)
  const services = rows.map((row) => {
    const sourcing = sourcings.get(row.id)
    return sourcing ? soldThrough(row, sourcing) : row
  })
  const snapshot: Snapshot = {
    revision,
    by_id: new Map(services.map((service) => [service.id, service])),
    active: services.filter((service) => service.active),
    routing: { sourcings, quarantines },
    rendered: new Map(),
  }
  holder.snapshot = snapshot
  return snapshot
}
