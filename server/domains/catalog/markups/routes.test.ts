import { expect, test } from 'vitest'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const doors = await openDoors()
  const { app } = doors.shop
  const editor = await staffWith(app, doors.url, ['prices:read', 'prices:edit'])
  const reader = await staffWith(app, doors.url, ['prices:read'])
  const service = doors.shop.service('Default')
  return { doors, app, editor, reader, service }
}

test('staff look at a rule, set it, see it listed, and take it away', async () => {
  const { app, editor, reader, service } = await setup()
  const figures = { service_id: String(service.id), percent: '100', step: '0.01' }
  const preview = await reader.ask('POST', '/api/admin/markup-rules/preview', figures)
  expect(preview).toMatchObject({
    status: 200,
    body: { changed: 1, dearer: 1, cheaper: 0, data: [{ service_id: String(service.id), after: { sold: true } }] },
  })
  const wish = { ...figures, reason: 'Campaign.', revision: preview.body.revision }
  expect(await editor.ask('PUT', '/api/admin/markup-rules', wish)).toMatchObject({ status: 200, body: preview.body })
  expect(await editor.ask('PUT', '/api/admin/markup-rules', wish)).toMatchObject({
    status: 409,
    body: { code: 'catalogue_changed', errors: [{ field: 'revision' }] },
  })
  const first = await reader.ask('GET', '/api/admin/markup-rules?limit=2')
  expect(first.body.data).toMatchObject([
    { prices: 'house', percent: '30.00', updated_by: null },
    { prices: 'provider', provider_id: '1', percent: '30.00', fixed: '0.00', step: '0.0001' },
  ])
  const next = await reader.ask('GET', `/api/admin/markup-rules?limit=2&cursor=${first.body.next_cursor}`)
  expect(next.body).toMatchObject({
    data: [{ prices: 'service', percent: '100.00', step: '0.01', updated_by: String(editor.user_id) }],
    has_more: false,
  })
  const path = `/api/admin/markup-rules/${next.body.data[0].id}`
  const gone = await editor.ask('DELETE', `${path}?reason=Over`)
  expect(gone).toMatchObject({ status: 200, body: { changed: 1, cheaper: 1 } })
  expect(await editor.ask('DELETE', `${path}?reason=Over`)).toMatchObject({
    status: 404,
    body: { code: 'markup_rule_not_found' },
  })
  expect(await actsIn(app.db, 'prices.markup_removed')).toMatchObject([{ user_id: editor.user_id, reason: 'Over' }])
})

test('bad figures and scopes are told by field, and change nothing', async () => {
  const { app, editor, service } = await setup()
  const good = { percent: '10', reason: 'Why not.' }
  const cases: [body: object, field: string][] = [
    [{ ...good, percent: '-1' }, 'percent'],
    [{ ...good, percent: '10001' }, 'percent'],
    [{ ...good, percent: '1.234' }, 'percent'],
    [{ ...good, fixed: '1e3' }, 'fixed'],
    [{ ...good, fixed: '1000001' }, 'fixed'],
    [{ ...good, minimum_margin: 'x' }, 'minimum_margin'],
    [{ ...good, step: '0' }, 'step'],
    [{ ...good, step: '0.00015' }, 'step'],
    [{ ...good, step: '1001' }, 'step'],
    [{ ...good, category: 'Texts', provider_id: '1' }, 'provider_id'],
    [{ ...good, service_id: '0' }, 'service_id'],
    [{ percent: '10' }, 'reason'],
  ]
  for (const [body, field] of cases) {
    const { status, body: problem } = await editor.ask('PUT', '/api/admin/markup-rules', body)
    expect({ body, status, errors: problem.errors }).toMatchObject({ body, status: 400, errors: [{ field }] })
  }
  expect(await editor.ask('POST', '/api/admin/markup-rules/preview', {})).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'percent' }] },
  })
  const rules = await editor.ask('GET', '/api/admin/markup-rules')
  const house = rules.body.data.find((rule: { prices: string }) => rule.prices === 'house')
  expect(await editor.ask('DELETE', `/api/admin/markup-rules/${house.id}?reason=No`)).toMatchObject({
    status: 409,
    body: { code: 'house_rule_stays' },
  })
  expect(await editor.ask('PUT', '/api/admin/markup-rules', { ...good, service_id: '999999' })).toMatchObject({
    status: 404,
    body: { code: 'service_not_found' },
  })
  const { rows } = { rows: await app.db.query('select rate from catalog.service where id = $1', [service.id]) }
  expect(rows).toEqual([{ rate: service.rate }])
})

test('who may only look changes nothing, and who may do neither sees nothing', async () => {
  const { doors, app, reader } = await setup()
  const body = { percent: '10', reason: 'Mine.' }
  expect(await reader.ask('PUT', '/api/admin/markup-rules', body)).toMatchObject({ status: 403 })
  const other = await staffWith(app, doors.url, ['orders:read'])
  expect(await other.ask('GET', '/api/admin/markup-rules')).toMatchObject({ status: 403 })
  expect(await other.ask('POST', '/api/admin/markup-rules/preview', { percent: '10' })).toMatchObject({ status: 403 })
})
