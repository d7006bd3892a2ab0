import { expect, test } from 'vitest'
import { newTimedUuid, timedUuidFloor } from './id.ts'

const AT = new Date('2026-11-20T12:00:00.123Z')
const after = (ms: number) => new Date(AT.getTime() + ms)

test('a timed UUID is one of version 7, and no two are the same', () => {
  const ids = Array.from({ length: 1_000 }, () => newTimedUuid(AT))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(1_000)
  expect(Number.parseInt(ids[0]?.replaceAll('-', '').slice(0, 12) ?? '', 16)).toBe(AT.getTime())
})

test('those of later milliseconds are greater, and the floor of a time lies between before and since', () => {
  for (let i = 0; i < 100; i++) {
    expect(newTimedUuid(AT) < newTimedUuid(after(1))).toBe(true)
    expect(newTimedUuid(after(-1)) < timedUuidFloor(AT)).toBe(true)
    expect(timedUuidFloor(AT) <= newTimedUuid(AT)).toBe(true)
  }
})
