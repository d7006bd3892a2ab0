import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'

interface Document {
  openapi: string
  paths: Record<
    string,
    Record<string, { summary?: string; tags?: string[]; 'x-permission'?: unknown; responses: object }>
  >
}

test('the document has every route with its permission, and what it refers to is in it', async () => {
  const { url } = await openDoors()
  const response = await fetch(`${url}/openapi.json`)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const text = await response.text()
  const { openapi, paths } = JSON.parse(text) as Document
  expect(openapi).toBe('3.1.0')
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  )
  expect(Object.fromEntries(operations.map(({ name, operation }) => [name, operation['x-permission']]))).toEqual({
    'GET /healthz': null,
    'GET /readyz': null,
    'GET /metrics': null,
    'GET /openapi.json': null,
    'GET /docs': null,
    'GET /': null,
    'POST /api/v1/sessions': null,
    'DELETE /api/v1/sessions/current': 'sessions:end:own',
    'GET /api/v1/me': 'account:read:own',
    'GET /api/v1/api-keys': 'api-keys:read:own',
    'POST /api/v1/api-keys': 'api-keys:create:own',
    'DELETE /api/v1/api-keys/{id}': 'api-keys:revoke:own',
    'GET /api/v1/services': null,
    'POST /api/v1/order': 'orders:place:own',
    'POST /api/v1/orders': 'orders:place:own',
    'GET /api/v1/orders': 'orders:read:own',
    'GET /api/v1/order/{id}': 'orders:read:own',
    'GET /api/v1/status': 'orders:read:own',
    'GET /api/v1/balance': 'balance:read:own',
    'POST /api/v2': PANEL_PERMISSIONS,
    'GET /api/v2': PANEL_PERMISSIONS,
  })
  for (const { name, operation } of operations) {
    expect([name, operation.summary?.length, operation.tags?.length]).toEqual([name, expect.any(Number), 1])
    expect([name, Object.keys(operation.responses).length > 0]).toEqual([name, true])
  }
  const schemas = JSON.parse(text).components.schemas as object
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    expect(Object.keys(schemas)).toContain(name)
  }
})

const PANEL_PERMISSIONS = [
  'balance:read:own',
  'orders:cancel:own',
  'orders:place:own',
  'orders:read:own',
  'orders:refill:own',
  'services:read',
]
