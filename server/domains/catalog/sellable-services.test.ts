import { describe, expect, test } from 'vitest'
import { asOtherProcess, offeredService, setupCatalog } from '#test/support/catalog.ts'
import { editService } from './edit-service.ts'
import { importServices } from './import-services.ts'
import { activeServices, forgetServices, renderedServices, servicesByIds } from './sellable-services.ts'
import { REVISION_TTL_MS } from './snapshot.ts'

describe('the services as they are sold', () => {
  test('are found by id, sold or not, and those that do not exist are absent', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('a'), offeredService('b')))
    await editService(app, { service_id: 2n, active: false })
    const found = await servicesByIds(app, [1n, 2n, 3n, 1n])
    expect([...found.keys()]).toEqual([1n, 2n])
    expect(found.get(1n)).toMatchObject({ provider_service_id: 'a', rate: 1_100_000n, active: true })
    expect(found.get(2n)).toMatchObject({ provider_service_id: 'b', active: false })
    expect(await servicesByIds(app, [])).toEqual(new Map())
  })

  test('are listed by category and position, without those that are out', async () => {
    const { app, input } = await setupCatalog()
    await importServices(
      app,
      input(
        offeredService('1', { category: 'Texts' }),
        offeredService('2', { category: 'Captions' }),
        offeredService('3', { category: 'Texts' }),
        offeredService('4', { category: 'Captions' }),
      ),
    )
    await editService(app, { service_id: 4n, active: false })
    const services = await activeServices(app)
    expect(services.map((service) => service.provider_service_id)).toEqual(['2', '1', '3'])
  })

  test('come from memory while nothing changes, and anew at once after an import and an edit', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const first = await activeServices(app)
    expect(await activeServices(app)).toBe(first)
    await importServices(app, input(offeredService('1')))
    expect(await activeServices(app)).toBe(first)

    await importServices(app, input(offeredService('1', { rate: 2_000_000n })))
    expect((await servicesByIds(app, [1n])).get(1n)?.rate).toBe(2_200_000n)
    await editService(app, { service_id: 1n, rate: 3_000_000n })
    expect((await servicesByIds(app, [1n])).get(1n)?.rate).toBe(3_000_000n)
  })

  test('are new in other processes within the time-to-live, also when changed by hand', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const other = await asOtherProcess(app)
    expect(await activeServices(other)).toHaveLength(1)
    await app.db.query('update catalog.service set active = false')
    await expect.poll(() => activeServices(other), { timeout: REVISION_TTL_MS * 5, interval: 50 }).toEqual([])
  })

  test('are read once by many callers at once', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const lists = await Promise.all(Array.from({ length: 50 }, () => activeServices(app)))
    expect(new Set(lists).size).toBe(1)
  })

  test('never go back to an older revision', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    await importServices(app, input(offeredService('1', { rate: 2_000_000n })))
    await servicesByIds(app, [1n])
    // A slow read of another caller puts the revision before the change back into the cache.
    await app.cache.forget('catalog.revision')
    await app.cache.getOrLoad('catalog.revision', REVISION_TTL_MS, async () => 1n)
    expect((await servicesByIds(app, [1n])).get(1n)?.rate).toBe(2_200_000n)
  })

  test('are rendered once for each change', async () => {
    const { app, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    let renderings = 0
    const render = () =>
      renderedServices(app, 'ids', (services) => `${++renderings}:${services.map((each) => each.id)}`)
    expect([await render(), await render()]).toEqual(['1:1', '1:1'])
    expect(await renderedServices(app, 'names', (services) => services.map((each) => each.name).join())).toBe(
      'Service 1',
    )
    await importServices(app, input(offeredService('1'), offeredService('2')))
    expect(await render()).toBe('2:1,2')
  })

  test('stay rendered for all, and for those who ask most, however many plans there are', async () => {
    const { app, db, input } = await setupCatalog()
    await importServices(app, input(offeredService('1')))
    const customers = await db.query<{ customer_id: bigint }>(`
      with plan as (insert into catalog.price_plan (name, discount_bp) select 'Plan ' || n, 0 from generate_series(1, 30) n returning id),
      person as (
        insert into identity.user (email, password_hash, role) select 'c' || n || '@example.com', '$argon2id$x', 'customer' from generate_series(1, 30) n returning id
      )
      insert into catalog.price_plan_customer (plan_id, customer_id)
      select plan.id, person.id
      from (select id, row_number() over (order by id) as n from plan) plan join (select id, row_number() over (order by id) as n from person) person using (n)
      returning customer_id`)
    await forgetServices(app)
    const rendered: string[] = []
    const ask = (who: string, customer_id?: bigint) =>
      renderedServices(app, 'ids', () => String(rendered.push(who)), customer_id)
    const [often, ...others] = customers.map((row) => row.customer_id)
    const names = others.map((id) => `customer ${id}`)
    await ask('all')
    for (const [i, id] of others.entries()) {
      await ask('often', often)
      await ask(names[i] as string, id)
    }
    await ask('all')
    await ask('often', often)
    expect(rendered).toEqual(['all', 'often', ...names])
    // Who has not asked for longest is rendered anew, and who asked last is not.
    await ask('last', others.at(-1))
    await ask('first', others[0])
    expect(rendered.slice(names.length + 2)).toEqual(['first'])
  })
})
