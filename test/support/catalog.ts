import { expect, onTestFinished } from 'vitest'
import { type MarkupRule, RATE_STEP } from '#server/domains/catalog/markup.ts'
import type { Offer } from '#server/domains/catalog/plan-import.ts'
import { lockServicesOf, selectAllServices } from '#server/domains/catalog/queries.ts'
import type { CatalogApp, Service } from '#server/domains/catalog/service.ts'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { systemClock } from '#server/kit/clock.ts'
import type { Cache } from '#server/platform/cache/cache.ts'
import { openCache } from '#server/platform/cache/open-cache.ts'
import type { Db } from '#server/platform/db/database.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { testDatabase } from './database.ts'
import { someSettings } from './settings.ts'

/** Ten percent. */
export const TENTH: MarkupRule = { percent_bp: 1_000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }

/** An empty catalogue with one provider that bills in dollars. */
export async function setupCatalog() {
  const { db } = await testDatabase()
  const app: CatalogApp = { db, cache: await openTestCache(), clock: systemClock, settings: await someSettings({ db }) }
  const provider_id = await insertProvider(db, 'panel')
  return { app, db, provider_id, input: (...services: ProviderService[]) => importOf(provider_id, services) }
}

/** The catalogue as another process has it: nothing in common but the database. */
export async function asOtherProcess(app: CatalogApp): Promise<CatalogApp> {
  return { ...app, db: { ...app.db }, cache: await openTestCache() }
}

async function openTestCache(): Promise<Cache> {
  const cache = await openCache({ log: openLog({ level: 'silent' }) })
  onTestFinished(() => cache.close())
  return cache
}

/** A provider of this name; nothing answers at its address. */
export async function insertProvider(db: Db, name: string): Promise<bigint> {
  const [row] = await db.query<{ id: bigint }>(
    `insert into providers.provider (name, adapter, url, currency, key_ciphertext, key_id)
     values ($1, 'panel-v2', 'https://panel.example/api/v2', 'USD', decode(repeat('00', 40), 'hex'), 'none') returning id`,
    [name],
  )
  return row?.id ?? 0n
}

/** What `importServices` takes, at ten percent; a list that half is gone of is taken as it is. */
export function importOf(provider_id: bigint, services: ProviderService[], unreadable = 0) {
  const offer: Offer = { services, unreadable }
  return { provider_id, markup: TENTH, offer, accept_shrunken: true }
}

/** A service as a provider offers it: a dollar per 1000, 10 to 1000. */
export function offeredService(id: string, changes: Partial<ProviderService> = {}): ProviderService {
  return {
    provider_service_id: id,
    name: `Service ${id}`,
    category: 'Texts',
    type: 'Default',
    raw_type: 'Default',
    rate: 1_000_000n,
    min: 10n,
    max: 1_000n,
    refill: false,
    cancel: true,
    dripfeed: false,
    description: undefined,
    ...changes,
  }
}

/** Every service by its provider's id, with the transaction that wrote the row last. */
export async function storedServices(db: Db): Promise<Map<string, Service & { xmin: string }>> {
  const written = await db.query<{ id: bigint; xmin: string }>('select id, xmin::text from catalog.service')
  const by_id = new Map(written.map((row) => [row.id, row.xmin]))
  const services = await selectAllServices(db)
  return new Map(services.map((each) => [each.provider_service_id, { ...each, xmin: by_id.get(each.id) ?? '' }]))
}

/** Starts all of `work` behind a barrier, the lock on the provider's services, and lets them go when each waits there. */
export async function atOnce<T>(db: Db, provider_id: bigint, work: (() => Promise<T>)[]): Promise<T[]> {
  const shut = Promise.withResolvers<void>()
  const open = Promise.withResolvers<void>()
  const barrier = db.transaction(async (tx) => {
    await lockServicesOf(tx, provider_id)
    shut.resolve()
    await open.promise
  })
  await shut.promise
  const racing = Promise.all(work.map((each) => each()))
  await expect.poll(() => countWaiting(db), { timeout: 10_000, interval: 10 }).toBe(work.length)
  open.resolve()
  await barrier
  return racing
}

async function countWaiting(db: Db): Promise<number> {
  const rows = await db.query(`
    select 1 from pg_locks join pg_database on pg_database.oid = pg_locks.database
    where datname = current_database() and locktype = 'advisory' and not granted`)
  return rows.length
}
