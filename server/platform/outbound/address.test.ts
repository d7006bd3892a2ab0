import { expect, test } from 'vitest'
import { isPublicAddress } from './address.ts'

test('addresses of the public internet are public', () => {
  for (const address of [
    '1.1.1.1',
    '8.8.8.8',
    '93.184.215.14',
    '172.32.0.1',
    '100.128.0.1',
    '::ffff:8.8.8.8',
    '::ffff:0808:0808',
    '2001:4860:4860::8888',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ]) {
    expect([address, isPublicAddress(address)]).toEqual([address, true])
  }
})

test('special addresses, and forms that carry an IPv4 address within, are not public', () => {
  const special = [
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::7f00:1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:169.254.169.254',
    '::ffff:100.64.0.1',
    '::ffff:0:7f00:1',
    '::ffff:0:0808:0808',
    '64:ff9b::7f00:1',
    '64:ff9b::808:808',
    '64:ff9b:1::a00:1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
  ]
  for (const address of special) expect([address, isPublicAddress(address)]).toEqual([address, false])
})

test('the addresses that others were found to reach by their webhooks are not public', () => {
  const reached = [
    ['10.254.0.0', '172.16.10.65', '192.168.10.65', '0.1.2.3', '127.254.254.254', '169.254.45.1', '255.255.255.255'],
    ['224.1.2.3', '192.0.0.255', '198.51.100.65', '100.100.0.0', '198.18.0.0', '240.240.240.240'],
    ['::1', 'febf:ffff::dead:beef', 'fd7a:115c:a1e0::1'],
  ].flat()
  for (const address of reached) expect([address, isPublicAddress(address)]).toEqual([address, false])
})

test('what is no address is not public', () => {
  for (const text of ['', 'localhost', '1.1.1.1.1', '1.1.1.1 ', 'example.com'])
    expect(isPublicAddress(text)).toBe(false)
})
