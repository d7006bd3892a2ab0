import { describe, expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { offeredService, setupCatalog, storedServices } from '#test/support/catalog.ts'
import { type EditService, editService } from './edit-service.ts'
import { type EditRefusal, ServiceNotFoundError } from './errors.ts'
import { importServices } from './import-services.ts'
import { QUANTITY_MAX, RATE_MAX } from './service.ts'

describe('editing a service', () => {
  test('sets rate and limits, and gives them back to the offer', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const edited = await editService(app, { service_id: 1n, rate: 5_000_000n, min: 20n, max: 90n })
    expect(edited).toMatchObject({ rate: 5_000_000n, min: 20n, max: 90n, active: true, version: 2n })
    const { xmin: _, ...stored } = (await storedServices(db)).get('1') ?? { xmin: '' }
    expect(stored).toEqual(edited)
    const back = await editService(app, { service_id: 1n, rate: null, min: null, max: null })
    expect(back).toMatchObject({ rate: 1_100_000n, min: 10n, max: 1_000n, version: 3n })
  })

  test('is an act that tells what changed, and none when nothing did', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const by = { kind: 'user', user_id: 5n } as const
    const edit = { service_id: 1n, rate: 5_000_000n, max: 90n, by, reason: 'campaign' }
    await editService(app, edit)
    await editService(app, edit)
    expect(await actsIn(db, 'services.edited')).toMatchObject([
      {
        user_id: 5n,
        subject_kind: 'service',
        subject_id: '1',
        before: { rate: '1100000', max: '1000', staff_rate: null, staff_max: null },
        after: { rate: '5000000', max: '90', staff_rate: '5000000', staff_max: '90' },
        reason: 'campaign',
      },
    ])
  })

  test('takes a service out and puts it back', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const off = await editService(app, { service_id: 1n, active: false })
    expect(off).toMatchObject({ active: false, deactivated_reason: 'staff' })
    expect(await editService(app, { service_id: 1n, active: true })).toMatchObject({
      active: true,
      deactivated_reason: null,
    })
  })

  test('writes nothing when nothing changes', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const before = await storedServices(db)
    await editService(app, { service_id: 1n, active: true })
    expect(await storedServices(db)).toEqual(before)
  })

  test('refuses what could not be sold, and changes nothing', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const before = await storedServices(db)
    const refused: [edit: Omit<EditService, 'service_id'>, code: EditRefusal][] = [
      [{ rate: 999_999n }, 'rate_below_cost'],
      [{ rate: -1n }, 'rate_out_of_range'],
      [{ rate: RATE_MAX + 1n }, 'rate_out_of_range'],
      [{ min: 0n }, 'limits_out_of_range'],
      [{ max: QUANTITY_MAX + 1n }, 'limits_out_of_range'],
      [{ min: 1_001n }, 'limits_out_of_range'],
      [{ max: 9n }, 'limits_out_of_range'],
      [{ min: 60n, max: 50n }, 'limits_out_of_range'],
    ]
    for (const [edit, code] of refused) {
      await expect(editService(app, { service_id: 1n, ...edit })).rejects.toMatchObject({ code, status: 422 })
    }
    expect(await storedServices(db)).toEqual(before)
    expect(await editService(app, { service_id: 1n, rate: 1_000_000n, min: 1_000n })).toMatchObject({ active: true })
  })

  test('does not put back what the provider no longer offers, even after staff took it out', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    await editService(app, { service_id: 1n, active: false })
    await importServices(app, input())
    await expect(editService(app, { service_id: 1n, active: true })).rejects.toMatchObject({ code: 'not_on_offer' })
    await importServices(app, input(offeredService('1')))
    expect(await editService(app, { service_id: 1n, active: true })).toMatchObject({ active: true })
  })

  test('takes out what is below cost, and puts it back with a better rate', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    await editService(app, { service_id: 1n, rate: 1_050_000n })
    await importServices(app, input(offeredService('1', { rate: 2_000_000n })))
    expect(await editService(app, { service_id: 1n, active: false })).toMatchObject({ deactivated_reason: 'staff' })
    await expect(editService(app, { service_id: 1n, active: true })).rejects.toMatchObject({ code: 'rate_below_cost' })
    expect(await editService(app, { service_id: 1n, active: true, rate: 2_000_000n })).toMatchObject({ active: true })
  })

  test('says whether two orders for one link may be under way, whatever its terms are, and imports leave it', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    await editService(app, { service_id: 1n, rate: 1_050_000n })
    await importServices(app, input(offeredService('1', { rate: 2_000_000n })))
    const edit = { service_id: 1n, duplicate_links: 'refuse' } as const
    expect(await editService(app, edit)).toMatchObject({ duplicate_links: 'refuse', deactivated_reason: 'below_cost' })
    await importServices(app, input(offeredService('1')))
    expect(await editService(app, { service_id: 1n })).toMatchObject({ duplicate_links: 'refuse', active: true })
  })

  test('knows no service that is not there', async () => {
    const { app } = await setupCatalog()
    await expect(editService(app, { service_id: 404n, active: true })).rejects.toThrow(ServiceNotFoundError)
  })
})
