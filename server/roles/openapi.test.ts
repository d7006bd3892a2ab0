import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { PERMISSIONS } from './permissions-list.ts'

interface Document {
  openapi: string
  paths: Record<
    string,
    Record<string, { summary?: string; tags?: string[]; 'x-permission'?: string | string[] | null; responses: object }>
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
  // Which route needs which, docs/access.md tells.
  const known = PERMISSIONS.map((each) => each.permission)
  for (const { name, operation } of operations) {
    const needed = [operation['x-permission'] ?? []].flat()
    expect([name, needed.filter((each) => !known.includes(each))]).toEqual([name, []])
  }
  for (const { name, operation } of operations) {
    expect([name, operation.summary?.length, operation.tags?.length]).toEqual([name, expect.any(Number), 1])
    expect([name, Object.keys(operation.responses).length > 0]).toEqual([name, true])
  }
  const schemas = JSON.parse(text).components.schemas as object
  for (const [, name = ''] of text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
    expect(Object.keys(schemas)).toContain(name)
  }
})

test('no permission is listed twice, and each says what it lets people do', () => {
  const names = PERMISSIONS.map((each) => each.permission)
  expect(new Set(names).size).toBe(names.length)
  for (const { description } of PERMISSIONS) expect(description).toMatch(/^[A-Z].{5,200}\.$/)
})
