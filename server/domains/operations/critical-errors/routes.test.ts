import { expect, onTestFinished, test } from 'vitest'
import { openFailureMemory } from '#server/platform/failures/failure-memory.ts'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup(permissions = ['errors:read', 'errors:manage']) {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  const memory = openFailureMemory(app, { process: 'saldo-api', release: 'saldo@1' })
  onTestFinished(() => memory.close())
  const { key } = await customer()
  /** A request that fails for a reason on our side. */
  const fail = async () => {
    await app.db.query('alter table ledger.account rename to away')
    const response = await fetch(`${url}/api/v1/balance`, { headers: { 'x-api-key': key } })
    await app.db.query('alter table ledger.away rename to account')
    await memory.flush()
    return (await response.json()) as { code: string; request_id: string }
  }
  return { app, url, key, fail, staff: await staffWith(app, url, permissions) }
}

const LIST = '/api/admin/logs/critical-errors'

test('a request that failed unforeseen is found by the id that its caller was told', async () => {
  const { fail, staff } = await setup()
  const { code, request_id } = await fail()
  expect(code).toBe('internal_error')
  const { body } = await staff.ask('GET', `${LIST}?request=${request_id}`)
  expect(body).toMatchObject({
    data: [{ kind: 'request', name: 'GET /api/v1/balance', error: 'error 42P01', occurrences: '1', request_id }],
    has_more: false,
  })
  const [{ id, place }] = body.data
  expect(place).toMatch(/ server\/domains\//)
  const whole = await staff.ask('GET', `${LIST}/${id}`)
  expect(whole.body).toMatchObject({ id, correlation: { request_id }, stack: expect.stringContaining('server/') })
})

test('resolved it leaves the list, with who did it in the audit; it comes back when it occurs again', async () => {
  const { app, fail, staff } = await setup()
  await fail()
  const open = async () => (await staff.ask('GET', LIST)).body.data
  const [{ id }] = await open()
  const resolve = () => staff.ask('POST', `${LIST}/${id}/resolve`, { reason: 'fixed in the next release' })
  expect((await resolve()).body).toMatchObject({ id, resolved_by: `user:${staff.user_id}` })
  expect((await resolve()).status).toBe(200)
  expect(await open()).toEqual([])
  expect((await staff.ask('GET', `${LIST}?state=resolved`)).body.data).toHaveLength(1)
  expect(await actsIn(app.db, 'errors.')).toMatchObject([
    { action: 'errors.resolved', user_id: staff.user_id, subject_id: id, reason: 'fixed in the next release' },
  ])
  await fail()
  expect(await open()).toMatchObject([{ id, occurrences: '2', reopened: 1, resolved_by: null }])
})

test('who may only look resolves nothing, and who may not look sees nothing', async () => {
  const { url, key, fail, staff } = await setup(['errors:read'])
  await fail()
  const [{ id }] = (await staff.ask('GET', LIST)).body.data
  expect((await staff.ask('POST', `${LIST}/${id}/resolve`)).status).toBe(403)
  for (const path of [LIST, `${LIST}/${id}`]) {
    expect((await fetch(url + path, { headers: { 'x-api-key': key } })).status).toBe(403)
  }
})

test('what is not there is told so, and bad input by its field', async () => {
  const { staff } = await setup()
  expect(await staff.ask('GET', `${LIST}/999`)).toMatchObject({
    status: 404,
    body: { code: 'critical_error_not_found' },
  })
  expect((await staff.ask('POST', `${LIST}/999/resolve`, {})).status).toBe(404)
  const bad = await staff.ask('GET', `${LIST}?state=closed`)
  expect([bad.status, bad.body.errors[0].field]).toEqual([400, 'state'])
})
