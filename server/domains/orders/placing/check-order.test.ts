import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Service } from '#server/domains/catalog/service.ts'
import { checkOrder, isRefusal, type OrderRequest } from './check-order.ts'

const SERVICE = {
  id: 1n,
  type: 'Default',
  active: true,
  rate: 900_000n,
  cost: 500_000n,
  min: 10n,
  max: 1_000n,
} as Service

function check(request: Partial<OrderRequest>, service: Partial<Service> = {}) {
  return checkOrder({ ...SERVICE, ...service }, { service_id: 1n, link: 'https://example.com/a', ...request })
}

function codeOf(checked: ReturnType<typeof checkOrder>): string | undefined {
  return isRefusal(checked) ? checked.code : undefined
}

describe('quantities', () => {
  test('a quantity is priced by the rate per 1000, rounded up to a minor unit', () => {
    expect(check({ quantity: '11' }, { rate: 900_001n })).toMatchObject({
      quantity: 11n,
      charge: 9_901n,
      expected_cost: 5_500n,
    })
  })

  test.each([
    ['10', undefined],
    [' 10 ', undefined],
    ['0010', undefined],
    ['1000', undefined],
    ['9', 'quantity_below_min'],
    ['0', 'quantity_below_min'],
    ['1001', 'quantity_above_max'],
    ['999999999999', 'quantity_above_max'],
    ['', 'quantity_invalid'],
    ['-10', 'quantity_invalid'],
    ['+10', 'quantity_invalid'],
    ['10.0', 'quantity_invalid'],
    ['1e2', 'quantity_invalid'],
    ['0x10', 'quantity_invalid'],
    ['NaN', 'quantity_invalid'],
    ['10 0', 'quantity_invalid'],
    ['١٠', 'quantity_invalid'],
    ['9'.repeat(400), 'quantity_invalid'],
  ])('the quantity %j: %s', (quantity, code) => {
    expect(codeOf(check({ quantity }))).toBe(code)
  })

  test('a missing quantity is refused, with the field named', () => {
    expect(check({})).toMatchObject({ code: 'quantity_invalid', field: 'quantity' })
  })

  test('the limit that was missed is told', () => {
    expect(check({ quantity: '9' })).toMatchObject({ limit: 10n })
    expect(check({ quantity: '1001' })).toMatchObject({ limit: 1_000n })
  })

  test('a charge that no account can hold, and one of nothing, are refused', () => {
    const most = { rate: 10n ** 18n, max: 999_999_999_999n }
    expect(codeOf(check({ quantity: '999999999999' }, most))).toBe('charge_invalid')
    expect(codeOf(check({ quantity: '10' }, { cost: 10n ** 18n, rate: 1n, max: 10n ** 9n }))).toBeUndefined()
    expect(codeOf(check({ quantity: '999999999' }, { cost: 10n ** 18n, rate: 1n, max: 10n ** 9n }))).toBe(
      'charge_invalid',
    )
    expect(codeOf(check({ quantity: '10' }, { rate: 0n }))).toBe('charge_invalid')
  })

  test('any quantity within the limits is charged its share of the rate and less than one unit more', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 12n), fc.bigInt(10n, 1_000n), (rate, quantity) => {
        const checked = check({ quantity: String(quantity) }, { rate })
        if (isRefusal(checked)) throw new Error(checked.message)
        expect(checked.charge * 1000n).toBeGreaterThanOrEqual(rate * quantity)
        expect((checked.charge - 1n) * 1000n).toBeLessThan(rate * quantity)
      }),
    )
  })
})

describe('links', () => {
  test.each([
    'https://example.com',
    'http://example.com/a?b=c#d',
    'HTTPS://EXAMPLE.COM/A',
    'example.com/page',
    'example.com:8080/page',
    'https://пример.рф/страница',
    ' https://example.com/a ',
    `https://example.com/${'a'.repeat(2028)}`,
  ])('%s is a link', (link) => {
    expect(check({ link, quantity: '10' })).toMatchObject({ link: link.trim() })
  })

  test.each([
    '',
    '   ',
    'no-dot',
    'https://',
    'ftp://example.com/a',
    'javascript:alert(1)',
    'data:text/html,x.y',
    'mailto:a@example.com',
    'https://example.com/a b',
    'https://example.com/\u0000',
    'https://example.com/\u0085',
    'https://example.com/\ud800',
    'https://exa\nmple.com',
    'https://[::1',
    `https://example.com/${'a'.repeat(2029)}`,
  ])('%j is none', (link) => {
    expect(check({ link, quantity: '10' })).toMatchObject({ code: 'link_invalid', field: 'link' })
  })
})

describe('types', () => {
  test('a package is one at its rate, whatever quantity or limits say', () => {
    const service = { type: 'Package', min: 5n, max: 7n } as const
    expect(check({ quantity: '7' }, service)).toMatchObject({
      quantity: 1n,
      charge: 900_000n,
      expected_cost: 500_000n,
      params: {},
    })
  })

  test('custom comments are counted by lines that are not empty, and each is trimmed', () => {
    const service = { type: 'Custom Comments', min: 1n } as const
    expect(check({ comments: ' one \r\n\r\ntwo\rthree\n \n', quantity: '99' }, service)).toMatchObject({
      quantity: 3n,
      charge: 2_700n,
      params: { comments: 'one\ntwo\nthree' },
    })
  })

  test.each([
    [undefined, 'comments_invalid'],
    ['', 'comments_invalid'],
    [' \n \r\n', 'comments_invalid'],
    ['a\u0000b', 'comments_invalid'],
    ['a\ud800b', 'comments_invalid'],
    ['x'.repeat(2_001), 'comments_invalid'],
    ['x\n'.repeat(140_000), 'comments_invalid'],
    ['x'.repeat(2_000), undefined],
    ['x\n'.repeat(1_000), undefined],
    ['x\n'.repeat(1_001), 'quantity_above_max'],
  ])('comments: case %#', (comments, code) => {
    expect(codeOf(check({ comments }, { type: 'Custom Comments', min: 1n }))).toBe(code)
  })
})

describe('requests', () => {
  test('an unknown service and one that is not sold are the same to a caller', () => {
    const unknown = checkOrder(undefined, { service_id: 1n, link: 'https://example.com' })
    expect(unknown).toMatchObject({ code: 'service_not_found' })
    expect(check({ quantity: '10' }, { active: false })).toEqual(unknown)
  })

  test.each([
    ['a', undefined],
    ['x'.repeat(128), undefined],
    ['ключ 1', undefined],
    ['', 'request_key_invalid'],
    ['x'.repeat(129), 'request_key_invalid'],
    ['a\u0000', 'request_key_invalid'],
    ['a\n', 'request_key_invalid'],
    ['a\udc00', 'request_key_invalid'],
  ])('the request key %j: %s', (request_key, code) => {
    expect(codeOf(check({ request_key, quantity: '10' }))).toBe(code)
  })

  test('drip-feed is refused rather than ignored; its empty and zero fields are nothing', () => {
    expect(check({ quantity: '10', runs: '2' })).toMatchObject({ code: 'parameter_not_supported', field: 'runs' })
    expect(check({ quantity: '10', interval: '5' })).toMatchObject({
      code: 'parameter_not_supported',
      field: 'interval',
    })
    expect(codeOf(check({ quantity: '10', runs: '', interval: '0' }))).toBeUndefined()
  })

  test('no request of any texts throws or is taken with a charge that is not above zero', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.webUrl(), fc.nat().map(String), fc.constant(undefined))
    const request = fc.record({
      link: text,
      quantity: text,
      comments: text,
      runs: text,
      interval: text,
      request_key: text,
    })
    const type = fc.constantFrom('Default', 'Package', 'Custom Comments')
    fc.assert(
      fc.property(request, type, ({ link, ...rest }, type) => {
        const checked = check({ ...rest, link: link ?? '' }, { type } as Partial<Service>)
        expect(isRefusal(checked) || checked.charge > 0n).toBe(true)
      }),
    )
  })
})
