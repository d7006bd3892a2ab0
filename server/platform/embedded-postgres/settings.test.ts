import { expect, test } from 'vitest'
import { settingsOf } from './settings.ts'

const GIB = 1024 ** 3

test('shared memory is an eighth of what there is, between 32 and 512 MiB', () => {
  expect(settingsOf(64 * GIB).shared_buffers).toBe('512MB')
  expect(settingsOf(2 * GIB).shared_buffers).toBe('256MB')
  expect(settingsOf(GIB / 8).shared_buffers).toBe('32MB')
})

test('durability does not depend on the machine', () => {
  for (const memory_bytes of [GIB / 8, 64 * GIB]) {
    expect(settingsOf(memory_bytes)).toMatchObject({ fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' })
  }
})
