import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isAllowed, normalNetwork, parseNetworks } from './allowed-ips.ts'

test.each([
  ['192.0.2.7', '192.0.2.7/32'],
  [' 192.0.2.7 ', '192.0.2.7/32'],
  ['192.0.2.7/24', '192.0.2.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:db8::1', '2001:db8::1/128'],
  ['2001:DB8:0::1/32', '2001:db8::/32'],
  ['::ffff:192.0.2.7', '192.0.2.7/32'],
  ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
  ['::ffff:192.0.2.7/64', undefined],
  ['192.0.2.7/33', undefined],
  ['2001:db8::/129', undefined],
  ['192.0.2', undefined],
  ['3221225991', undefined],
  ['0xC0.0.2.7', undefined],
  ['010.0.0.1', undefined],
  ['192.0.2.256', undefined],
  ['192.0.2.7/', undefined],
  ['192.0.2.7/024', undefined],
  ['192.0.2.7/-1', undefined],
  ['192.0.2.7/24/24', undefined],
  ['fe80::1%eth0', undefined],
  ['example.com', undefined],
  ['', undefined],
])('%j names the network %s', (text, expected) => {
  expect(normalNetwork(text)).toBe(expected)
})

test.each([
  [[], '203.0.113.9', true],
  [[], 'not an address', true],
  [['192.0.2.0/24'], '192.0.2.200', true],
  [['192.0.2.0/24'], '::ffff:192.0.2.200', true],
  [['192.0.2.0/24'], '192.0.3.1', false],
  [['192.0.2.0/24', '198.51.100.7/32'], '198.51.100.7', true],
  [['2001:db8::/32'], '2001:db8:ffff::1', true],
  [['2001:db8::/32'], '2001:db9::1', false],
  [['2001:db8::/32'], '192.0.2.1', false],
  [['192.0.2.0/24'], '2001:db8::1', false],
  [['0.0.0.0/0'], '2001:db8::1', false],
  [['fe80::/10'], 'fe80::1%eth0', true],
  [['192.0.2.0/24'], '', false],
  [['192.0.2.0/24'], '192.0.2', false],
])('with the list %j, %j is allowed: %s', (list, ip, expected) => {
  expect(isAllowed(parseNetworks(list), ip)).toBe(expected)
})

test('no text makes the list throw, and what it takes contains itself', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.ipV4Extended(), fc.ipV4(), fc.ipV6()), (text) => {
      const network = normalNetwork(text)
      if (network === undefined) return
      expect(normalNetwork(network)).toBe(network)
      expect(isAllowed(parseNetworks([network]), text.trim())).toBe(true)
    }),
  )
})
