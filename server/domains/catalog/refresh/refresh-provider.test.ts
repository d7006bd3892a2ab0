import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { storedServices } from '#test/support/catalog.ts'
import { openShop } from '#test/support/shop.ts'
import { editService } from '../edit-service.ts'
import { selectRevision } from '../queries.ts'
import { refreshDue } from './refresh-due.ts'
import { refreshProvider } from './refresh-provider.ts'

async function setup() {
  const shop = await openShop({ provider: { timeout_ms: 1_000 } })
  const { app, providers, provider_id } = shop
  const refresh = (accept_shrunken?: boolean) => refreshProvider(app, providers, { provider_id, accept_shrunken })
  const disable = async (ids: readonly number[], disabled = true) => {
    for (const id of ids) await shop.control.changeService(id, { disabled })
  }
  const told = async () => {
    const rows = await app.db.query<{ trouble: string | null }>(
      `select payload ->> 'trouble' as trouble from platform.outbox where type = 'catalog.prices_refreshed' order by id`,
    )
    return rows.at(-1)?.trouble
  }
  const ids = (await shop.control.services()).map(({ service }) => Number(service))
  return { shop, ...shop, refresh, disable, told, ids }
}

test('a refresh that finds nothing changed writes no service', async () => {
  const { app, refresh, services } = await setup()
  const before = await storedServices(app.db)
  const revision = await selectRevision(app.db)
  const acts = (await actsIn(app.db)).length
  const outcome = await refresh()
  expect(outcome).toMatchObject({ applied: true, problem: null, report: { unchanged: services.length, updated: 0 } })
  expect(await storedServices(app.db)).toEqual(before)
  expect(await selectRevision(app.db)).toBe(revision)
  expect(await actsIn(app.db)).toHaveLength(acts)
})

test('it takes over prices and limits by the standing rules, creates nothing, and leaves the rest unwritten', async () => {
  const { app, control, refresh } = await setup()
  const before = await storedServices(app.db)
  await control.changeService(101, { rate: '50.00', min: 70 })
  expect(await refresh()).toMatchObject({ applied: true, report: { updated: 1, created: 0, deactivated: 0 } })
  const after = await storedServices(app.db)
  expect(after.get('101')).toMatchObject({ cost: 50_000_000n, rate: 65_000_000n, min: 70n })
  before.delete('101')
  after.delete('101')
  expect(after).toEqual(before)
  const [change] = await app.db.query(`select * from catalog.service_change where cause = 'refresh'`)
  expect(change).toMatchObject({
    rate_before: 49_400_000n,
    rate: 65_000_000n,
    min_before: 50n,
    min: 70n,
    user_id: null,
  })
  expect(await actsIn(app.db, 'services.refreshed')).toMatchObject([{ actor_kind: 'system', after: { updated: 1 } }])
})

test('what is dropped is not sold, and is again when it is listed again; what staff took out stays out', async () => {
  const { app, refresh, disable } = await setup()
  await disable([101, 102])
  const first = (await storedServices(app.db)).get('102')
  await editService(app, { service_id: first?.id ?? 0n, active: false })
  expect(await refresh()).toMatchObject({ applied: true, report: { deactivated: 1 } })
  expect((await storedServices(app.db)).get('101')).toMatchObject({ active: false, deactivated_reason: 'vanished' })
  await disable([101, 102], false)
  await refresh()
  const after = await storedServices(app.db)
  expect(after.get('101')).toMatchObject({ active: true, deactivated_reason: null })
  expect(after.get('102')).toMatchObject({ active: false, deactivated_reason: 'staff' })
})

test.each([
  'services_empty',
  'services_empty_data',
  'html',
  'empty_body',
  'bad_json',
  'wrong_key',
  'http_5xx',
  'cut_middle',
  'huge_body_after',
] as const)('an answer of the kind %s changes no service, and is told', { timeout: 30_000 }, async (fault) => {
  const { app, control, refresh, told } = await setup()
  const before = await storedServices(app.db)
  await control.setFaults({ [fault]: 1 })
  expect(await refresh()).toMatchObject({ applied: false, problem: expect.any(String) })
  expect(await storedServices(app.db)).toEqual(before)
  expect(await told()).toMatch(/not applied|could not be read/i)
  await control.setFaults({})
  expect(await refresh()).toMatchObject({ applied: true })
  expect(await told()).toBe(null)
})

test('a list that has lost more than half is applied only by someone who has seen it', async () => {
  const { app, refresh, disable, ids, told } = await setup()
  const before = await storedServices(app.db)
  await disable(ids.slice(0, Math.floor(ids.length / 2) + 1))
  expect(await refresh()).toMatchObject({ applied: false, overtaken: false })
  expect(await storedServices(app.db)).toEqual(before)
  expect(await told()).toContain('Not applied')
  expect(await refresh(true)).toMatchObject({
    applied: true,
    report: { deactivated: Math.floor(ids.length / 2) + 1 },
  })
})

test('costs that fall by more than half for most are not believed', async () => {
  const { app, control, refresh, ids } = await setup()
  const before = await storedServices(app.db)
  for (const id of ids) await control.changeService(id, { rate: '0.01' })
  expect(await refresh()).toMatchObject({ applied: false, problem: expect.stringContaining('fallen') })
  expect(await storedServices(app.db)).toEqual(before)
})

test('it is due once a day, and sooner after a failure', async () => {
  const { app, providers, control } = await setup()
  const at = (hours: number) => ({
    ...app,
    clock: { ...app.clock, now: () => new Date(Date.now() + hours * 3_600_000) },
  })
  expect(await refreshDue(at(23), providers)).toBe(0)
  await control.setFaults({ html: 1 })
  expect(await refreshDue(at(25), providers)).toBe(1)
  expect(await refreshDue(at(25.2), providers)).toBe(0)
  await control.setFaults({})
  expect(await refreshDue(at(25.6), providers)).toBe(1)
  expect(await refreshDue(at(26), providers)).toBe(0)
})

test('two at once leave what one would', async () => {
  const { app, control, refresh } = await setup()
  await control.changeService(101, { rate: '50.00' })
  const outcomes = await Promise.all([refresh(), refresh(), refresh()])
  const updated = outcomes.map((outcome) => (outcome.applied ? outcome.report.updated : 0))
  expect(updated.toSorted()).toEqual([0, 0, 1])
  expect((await storedServices(app.db)).get('101')).toMatchObject({ version: 2n })
})
