import { expect, test } from 'vitest'
import { countedNetwork } from './network.ts'

test('attempts are counted by IPv4 address and by the /64 of IPv6', () => {
  expect(countedNetwork('192.0.2.7')).toBe('192.0.2.7')
  expect(countedNetwork('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(countedNetwork('2001:db8:1:2:aaaa::1')).toBe(countedNetwork('2001:db8:1:2:bbbb::9'))
  expect(countedNetwork('2001:db8:1:2::1')).not.toBe(countedNetwork('2001:db8:1:3::1'))
  expect(countedNetwork('fe80::1%eth0')).toBe('fe80::')
  for (const none of ['what', '', '1.2.3', '0x7f.1.1.1', '999.1.1.1', '010.0.0.1', '1:2']) {
    expect([none, countedNetwork(none)]).toEqual([none, 'unknown'])
  }
})
