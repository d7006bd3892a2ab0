import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { actsIn } from '#test/support/acts.ts'
import { openDoors } from '#test/support/doors.ts'
import { staffWith } from '#test/support/staff.ts'

async function setup() {
  const { shop, url, customer } = await openDoors()
  const { app } = shop
  const staff = await staffWith(app, url, ['audit:read'])
  await app.db.transaction(async (tx) => {
    const made = Array.from({ length: 5 }, (_, n) => ({ action: 'tests.made', actor: SYSTEM, after: { n } }))
    recordActs(tx, [...made, { action: 'tests.said', actor: SYSTEM, reason: '=HYPERLINK("https://example.com")' }])
  })
  return { app, url, staff, customer }
}

test('acts are found by what was done, and paged by the link', async () => {
  const { staff } = await setup()
  const first = await staff.ask('GET', '/api/admin/audit?action=tests.made&limit=3')
  expect(first.body.data.map((act: { after: { n: number } }) => act.after.n)).toEqual([4, 3, 2])
  expect(first.body.data[0]).toMatchObject({
    action: 'tests.made',
    actor: { kind: 'system', user_id: null },
    subject: null,
  })
  const link = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1]
  const second = await staff.ask('GET', link as string)
  expect(second.body.data.map((act: { after: { n: number } }) => act.after.n)).toEqual([1, 0])
  expect(second.body).toMatchObject({ has_more: false, next_cursor: null })
  expect(second.headers.get('link')).toBeNull()
})

test('a customer sees nothing of it', async () => {
  const { url, customer } = await setup()
  const { key } = await customer()
  for (const path of ['/api/admin/audit', '/api/admin/audit.csv']) {
    expect((await fetch(url + path, { headers: { 'x-api-key': key } })).status).toBe(403)
  }
})

test.for([
  ['user', 'x'],
  ['user', '0'],
  ['action', 'Users'],
  ['action', '*x'],
  ['subject', 'User:1'],
  ['ip', '010.0.0.1'],
  ['ip', '192.0.2.0/33'],
  ['ip', 'fe80::1%25lo'],
  ['reason', '---'],
  ['reason', 'a b c d e f g h i j k'],
  ['from', 'yesterday'],
  ['limit', '201'],
])('a bad %s (%s) is named', async ([field, value]) => {
  const { staff } = await setup()
  const { status, body } = await staff.ask('GET', `/api/admin/audit?${field}=${value}`)
  expect([status, body.code, body.errors[0].field]).toEqual([400, 'invalid_request', field])
})

test('a cursor of another list is refused', async () => {
  const { staff } = await setup()
  const { status, body } = await staff.ask('GET', '/api/admin/audit?cursor=abc')
  expect([status, body.code]).toEqual([400, 'invalid_cursor'])
})

test('the export has all that is found, runs nothing in a spreadsheet, and is in the audit itself', async () => {
  const { app, url, staff } = await setup()
  // More than one page of the export.
  await app.db.transaction(async (tx) => {
    recordActs(
      tx,
      Array.from({ length: 1_000 }, (_, n) => ({ action: 'tests.many', actor: SYSTEM, after: { n } })),
    )
  })
  const { key } = await createApiKey(app, { user_id: staff.user_id, name: 'export' })
  const response = await fetch(`${url}/api/admin/audit.csv?action=tests.*`, { headers: { 'x-api-key': key } })
  expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(response.headers.get('content-disposition')).toContain('attachment')
  const bytes = Buffer.from(await response.arrayBuffer())
  expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]))
  const lines = bytes.toString('utf8').trimEnd().split('\r\n')
  expect(lines).toHaveLength(1 + 1_006)
  expect(lines[0]).toContain('"id","number","at","action","actor"')
  expect(lines.filter((line) => line.includes('HYPERLINK'))).toEqual([
    expect.stringContaining(`"'=HYPERLINK(""https://example.com"")"`),
  ])
  expect(await actsIn(app.db, 'audit.')).toMatchObject([
    { action: 'audit.exported', user_id: staff.user_id, via: 'key', after: { action: 'tests.*' } },
  ])
})
