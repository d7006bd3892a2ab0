import { describe, expect, test } from 'vitest'
import {
  atOnce,
  importOf,
  insertProvider,
  offeredService,
  setupCatalog,
  storedServices,
  TENTH,
} from '#test/support/catalog.ts'
import { editService } from './edit-service.ts'
import { OfferTooLongError } from './errors.ts'
import { IMPORT_SERVICES_MAX, importServices } from './import-services.ts'

const NOTHING = { created: 0, updated: 0, unchanged: 0, deactivated: 0, skipped: 0, unreadable: 0 }

describe('importing services', () => {
  test('takes a provider’s list into the catalogue, marked up and in its order', async () => {
    const { app, db, provider_id, input } = await setupCatalog()
    const report = await importServices(
      app,
      input(
        offeredService('9', { name: 'Captions', rate: 2_000_001n, min: 0n, refill: true, description: 'Per minute.' }),
        offeredService('3', { type: 'Package', min: 1n, max: 1n }),
      ),
    )
    expect(report).toEqual({ ...NOTHING, created: 2 })
    const services = await storedServices(db)
    expect(services.get('9')).toMatchObject({
      id: 1n,
      provider_id,
      name: 'Captions',
      description: 'Per minute.',
      type: 'Default',
      cost: 2_000_001n,
      cost_asset: 'USD',
      cost_usd: 2_000_001n,
      rate: 2_200_100n,
      min: 1n,
      max: 1_000n,
      refill: true,
      active: true,
      deactivated_reason: null,
      position: 1,
      version: 1n,
    })
    expect(services.get('3')).toMatchObject({ id: 2n, type: 'Package', position: 2 })
  })

  test('writes no row the second time', async () => {
    const { app, db, input } = await setupCatalog()
    const offer = input(offeredService('1'), offeredService('2', { type: 'Custom Comments' }))
    await importServices(app, offer)
    const before = await storedServices(db)
    expect(await importServices(app, offer)).toEqual({ ...NOTHING, unchanged: 2 })
    expect(await storedServices(db)).toEqual(before)
  })

  test('writes only what changed, and applies a price rise and a price fall', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1'), offeredService('2'), offeredService('3')))
    const before = await storedServices(db)
    const report = await importServices(
      app,
      input(offeredService('1', { rate: 3_000_000n }), offeredService('2'), offeredService('3', { rate: 500_000n })),
    )
    expect(report).toEqual({ ...NOTHING, updated: 2, unchanged: 1 })
    const after = await storedServices(db)
    expect(after.get('1')).toMatchObject({ cost: 3_000_000n, rate: 3_300_000n, version: 2n })
    expect(after.get('2')).toEqual(before.get('2'))
    expect(after.get('3')).toMatchObject({ cost: 500_000n, rate: 550_000n, version: 2n })
  })

  test('prices anew when the mark-up rule changes', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const dearer = { ...input(offeredService('1')), markup: { ...TENTH, percent_bp: 5_000n } }
    expect(await importServices(app, dearer)).toEqual({ ...NOTHING, updated: 1 })
    expect((await storedServices(db)).get('1')).toMatchObject({ cost: 1_000_000n, rate: 1_500_000n })
  })

  test('no longer sells what vanished, and sells it again when it is back', async () => {
    const { app, db, input } = await setupCatalog()
    const both = input(offeredService('1'), offeredService('2'))
    await importServices(app, both)
    expect(await importServices(app, input(offeredService('1')))).toEqual({ ...NOTHING, unchanged: 1, deactivated: 1 })
    expect((await storedServices(db)).get('2')).toMatchObject({ active: false, deactivated_reason: 'vanished' })
    expect(await importServices(app, input(offeredService('1')))).toEqual({ ...NOTHING, unchanged: 1 })
    expect(await importServices(app, both)).toEqual({ ...NOTHING, unchanged: 1, updated: 1 })
    expect((await storedServices(db)).get('2')).toMatchObject({ id: 2n, active: true, deactivated_reason: null })
  })

  test('sells nothing of a provider that offers nothing', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1'), offeredService('2')))
    expect(await importServices(app, input())).toEqual({ ...NOTHING, deactivated: 2 })
  })

  test('leaves the services of other providers alone', async () => {
    const { app, db, provider_id } = await setupCatalog()
    const other = await insertProvider(db, 'other')
    await importServices(app, importOf(provider_id, [offeredService('1')]))
    await importServices(app, importOf(other, [offeredService('1', { name: 'Of the other' })]))
    expect(await importServices(app, importOf(provider_id, []))).toEqual({ ...NOTHING, deactivated: 1 })
    const rows = await db.query('select name, active from catalog.service order by id')
    expect(rows).toEqual([
      { name: 'Service 1', active: false },
      { name: 'Of the other', active: true },
    ])
  })

  test.each([
    ['that make no sense', { rate: -1n }, 'unreadable', { unreadable: 1 }],
    [
      'of a type that Saldo does not sell',
      { type: undefined, raw_type: 'Live streams' },
      'type_not_sold',
      { skipped: 1 },
    ],
  ])('leaves out rows %s, and no longer sells what became one', async (_title, changes, reason, counted) => {
    const { app, db, input } = await setupCatalog()
    const good = input(offeredService('1'), offeredService('2'))
    const bad = input(offeredService('1'), offeredService('2', changes))
    expect(await importServices(app, bad)).toEqual({ ...NOTHING, created: 1, ...counted })
    expect([...(await storedServices(db)).keys()]).toEqual(['1'])
    expect(await importServices(app, good)).toEqual({ ...NOTHING, created: 1, unchanged: 1 })
    expect(await importServices(app, bad)).toEqual({ ...NOTHING, unchanged: 1, deactivated: 1, ...counted })
    expect((await storedServices(db)).get('2')).toMatchObject({ active: false, deactivated_reason: reason })
  })

  test('takes texts of every kind', async () => {
    const { app, db, input } = await setupCatalog()
    const name = `"quoted", \\back\\ {curly} 'single' \n NULL অনুবাদ 😀\u0000\ud800`
    const report = await importServices(app, input(offeredService('{a,"b"}', { name, description: name.repeat(500) })))
    expect(report).toEqual({ ...NOTHING, created: 1 })
    expect((await storedServices(db)).get('{a,"b"}')).toMatchObject({
      name: `"quoted", \\back\\ {curly} 'single' \n NULL অনুবাদ 😀 \ufffd`,
    })
  })

  test('counts what the adapter could not read', async () => {
    const { app, provider_id } = await setupCatalog()
    expect(await importServices(app, importOf(provider_id, [offeredService('1')], 3))).toEqual({
      ...NOTHING,
      created: 1,
      unreadable: 3,
    })
  })

  test('keeps what staff set, while the offer goes on changing', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1'), offeredService('2')))
    await editService(app, { service_id: 1n, rate: 1_700_000n, min: 50n, max: 500n })
    await editService(app, { service_id: 2n, active: false })
    const changed = input(
      offeredService('1', { rate: 1_600_000n, max: 300n }),
      offeredService('2', { name: 'New name' }),
    )
    expect(await importServices(app, changed)).toEqual({ ...NOTHING, updated: 2 })
    const after = await storedServices(db)
    expect(after.get('1')).toMatchObject({
      rate: 1_700_000n,
      offered_rate: 1_760_000n,
      min: 50n,
      max: 300n,
      active: true,
    })
    expect(after.get('2')).toMatchObject({ name: 'New name', active: false, deactivated_reason: 'staff' })
  })

  test('no longer sells below cost, nor within limits that leave no quantity', async () => {
    const { app, db, input } = await setupCatalog()
    const offer = input(offeredService('1'), offeredService('2'))
    await importServices(app, offer)
    await editService(app, { service_id: 1n, rate: 1_050_000n })
    await editService(app, { service_id: 2n, min: 500n })
    const worse = input(offeredService('1', { rate: 1_050_001n }), offeredService('2', { max: 499n }))
    expect(await importServices(app, worse)).toEqual({ ...NOTHING, deactivated: 2 })
    const after = await storedServices(db)
    expect(after.get('1')).toMatchObject({ active: false, deactivated_reason: 'below_cost' })
    expect(after.get('2')).toMatchObject({ active: false, deactivated_reason: 'limits_conflict', min: 10n, max: 499n })
    expect(await importServices(app, offer)).toEqual({ ...NOTHING, updated: 2 })
  })

  test('many imports at once leave what one would', async () => {
    const { app, db, provider_id, input } = await setupCatalog()
    const services = Array.from({ length: 500 }, (_, i) => offeredService(String(i)))
    // One list: of two that were asked for apart the earlier is refused once the later stands.
    const list = { ...input(...services), asked_at: app.clock.now() }
    const reports = await atOnce(
      db,
      provider_id,
      Array.from({ length: 6 }, () => () => importServices(app, list)),
    )
    expect(reports.filter((report) => report.created === 500)).toHaveLength(1)
    expect(reports.filter((report) => report.unchanged === 500)).toHaveLength(5)
    const [counted] = await db.query('select count(*), max(id), max(version) as version from catalog.service')
    expect(counted).toEqual({ count: 500n, max: 500n, version: 1n })
  })

  test('an import and an edit at once lose neither', async () => {
    const { app, db, provider_id, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    await atOnce<unknown>(db, provider_id, [
      () => importServices(app, input(offeredService('1', { rate: 1_500_000n }))),
      () => editService(app, { service_id: 1n, rate: 2_000_000n }),
      () => editService(app, { service_id: 1n, max: 500n }),
    ])
    const { cost, rate, max, version } = (await storedServices(db)).get('1') ?? {}
    expect({ cost, rate, max, version }).toEqual({ cost: 1_500_000n, rate: 2_000_000n, max: 500n, version: 4n })
  })

  test('takes the longest list, with as many statements as for the shortest', async () => {
    const { app, db, input } = await setupCatalog()
    let statements = 0
    const counting = {
      ...app,
      db: {
        ...db,
        transaction: <T>(work: Parameters<typeof db.transaction<T>>[0]) =>
          db.transaction<T>((tx) =>
            work({
              ...tx,
              query: (...args) => {
                statements += 1
                return tx.query(...args)
              },
            }),
          ),
      },
    }
    const services = Array.from({ length: IMPORT_SERVICES_MAX }, (_, i) => offeredService(String(i)))
    expect(await importServices(counting, input(...services))).toEqual({ ...NOTHING, created: IMPORT_SERVICES_MAX })
    expect(statements).toBe(9)
    expect(await importServices(counting, input(offeredService('0', { name: 'New' })))).toMatchObject({ updated: 1 })
    expect(statements).toBe(18)
    await expect(importServices(app, input(...services, offeredService('more')))).rejects.toThrow(OfferTooLongError)
  })
})
