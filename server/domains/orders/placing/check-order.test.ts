import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Service } from '#server/domains/catalog/service.ts'
import { PARAM_NAMES, TYPE_NAMES } from '#server/domains/providers/order-types.ts'
import { checkOrder, isRefusal, type OrderRequest } from './check-order.ts'
import { contentOf } from './known-orders.ts'
import { weightOf } from './read-rhythm.ts'

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

describe('parameters', () => {
  const GIVEN = {
    comments: 'a\nb',
    keywords: 'tea\n kettle ',
    usernames: 'ada\ngrace\n\nedsger',
    hashtags: 'tea',
    hashtag: ' tea ',
    username: 'https://example.com/ada',
    media: 'example.com/m',
    answer_number: '007',
    groups: 'https://example.com/g',
    country: 'BD',
    device: '5',
    type_of_traffic: '3',
    google_keyword: 'tea kettle',
    referring_url: 'https://example.com/from',
    min: '5',
    max: '020',
    delay: '00',
    posts: '3',
    old_posts: ' 1 ',
    expiry: '1/2/2030',
  }
  /** What each type has, and what is billed of it: written down apart from the table, from the field's own list. */
  const TYPES: [Service['type'], string[], bigint][] = [
    ['Default', [], 10n],
    ['Package', [], 1n],
    ['SEO', ['keywords'], 10n],
    ['Custom Comments', ['comments'], 2n],
    ['Custom Comments Package', ['comments'], 1n],
    ['Mentions', ['usernames'], 10n],
    ['Mentions with Hashtags', ['usernames', 'hashtags'], 10n],
    ['Mentions Custom List', ['usernames'], 3n],
    ['Mentions Hashtag', ['hashtag'], 10n],
    ['Mentions User Followers', ['username'], 10n],
    ['Mentions Media Likers', ['media'], 10n],
    ['Comment Likes', ['username'], 10n],
    ['Comment Replies', ['username', 'comments'], 2n],
    ['Poll', ['answer_number'], 10n],
    ['Invites from Groups', ['groups'], 10n],
    ['Subscriptions', ['username', 'min', 'max', 'delay'], 20n],
    ['Web Traffic', ['country', 'device', 'type_of_traffic'], 10n],
  ]

  test('all types that are sold are examined', () => {
    expect(TYPES.map(([type]) => type)).toEqual(TYPE_NAMES)
  })

  test.each(TYPES)('%s has %j and is billed for %i', (type, names, quantity) => {
    const checked = check({ ...GIVEN, quantity: '10' }, { type, min: 1n })
    if (isRefusal(checked)) throw new Error(checked.message)
    const optional = type === 'Subscriptions' ? ['posts', 'old_posts', 'expiry'] : []
    expect(Object.keys(checked.params).sort()).toEqual([...names, ...optional].sort())
    expect(checked.quantity).toBe(quantity)
    const packages = type === 'Package' || type === 'Custom Comments Package'
    expect(checked.charge).toBe(packages ? 900_000n : 900n * quantity)
    for (const name of names) {
      const code = name === 'comments' ? 'comments_invalid' : 'parameter_invalid'
      const without = check({ ...GIVEN, quantity: '10', [name]: undefined }, { type, min: 1n })
      expect(without).toMatchObject({ code, field: name })
      expect(without).toHaveProperty('message', expect.stringMatching(new RegExp(`^${name}: `)))
    }
  })

  test('lines are cleaned, names are trimmed, numbers lose their zeros', () => {
    const read = (type: Service['type']) => check({ ...GIVEN, quantity: '10' }, { type, min: 1n })
    expect(read('SEO')).toMatchObject({ params: { keywords: 'tea\nkettle' } })
    expect(read('Mentions Custom List')).toMatchObject({ params: { usernames: 'ada\ngrace\nedsger' } })
    expect(read('Mentions Hashtag')).toMatchObject({ params: { hashtag: 'tea' } })
    expect(read('Poll')).toMatchObject({ params: { answer_number: '7' } })
  })

  test('a subscription is about a name and has no link, and its limits are those of each post', () => {
    const subscribe = (given: object) => check({ ...GIVEN, ...given }, { type: 'Subscriptions', min: 5n, max: 20n })
    expect(subscribe({ link: '' })).toMatchObject({
      link: 'https://example.com/ada',
      quantity: 20n,
      params: { min: '5', max: '20', delay: '0', posts: '3', old_posts: '1', expiry: '01/02/2030' },
    })
    expect(subscribe({ link: 'nowhere at all', posts: '0', old_posts: '', expiry: ' ' })).toMatchObject({
      params: { username: 'https://example.com/ada', min: '5', max: '20', delay: '0' },
    })
    expect(subscribe({ min: '4' })).toMatchObject({ code: 'quantity_below_min', field: 'min', limit: 5n })
    expect(subscribe({ max: '21' })).toMatchObject({ code: 'quantity_above_max', field: 'max', limit: 20n })
    expect(subscribe({ min: '20', max: '19' })).toMatchObject({ code: 'parameter_invalid', field: 'max' })
    expect(subscribe({ runs: '2', interval: '5' })).toMatchObject({ code: 'parameter_not_supported' })
  })

  test.each([
    ['min', '0'],
    ['min', '-5'],
    ['max', '1.5'],
    ['delay', '7'],
    ['delay', '601'],
    ['delay', ''],
    ['posts', '1001'],
    ['posts', '-1'],
    ['old_posts', 'many'],
    ['expiry', '2030-02-01'],
    ['expiry', '30/02/2030'],
    ['expiry', '1/13/2030'],
    ['expiry', '1/2/30'],
  ])('of a subscription %s: %j is refused', (name, value) => {
    expect(check({ ...GIVEN, [name]: value }, { type: 'Subscriptions', min: 1n })).toMatchObject({
      code: 'parameter_invalid',
      field: name,
    })
  })

  test('visits by a search want its words, those from a page its address, and others neither', () => {
    const visits = (given: object) => check({ ...GIVEN, ...given, quantity: '10' }, { type: 'Web Traffic' })
    const { country, device } = GIVEN
    expect(visits({ type_of_traffic: '1' })).toMatchObject({
      params: { country, device, type_of_traffic: '1', google_keyword: 'tea kettle' },
    })
    expect(visits({ type_of_traffic: '2' })).toMatchObject({
      params: { country, device, type_of_traffic: '2', referring_url: 'https://example.com/from' },
    })
    expect(visits({ type_of_traffic: '1', google_keyword: '' })).toMatchObject({ field: 'google_keyword' })
    expect(visits({ type_of_traffic: '2', referring_url: 'nowhere' })).toMatchObject({ field: 'referring_url' })
    for (const odd of ['0', '4', '1.0', '-1', '', '1e0']) {
      expect(visits({ type_of_traffic: odd })).toMatchObject({ code: 'parameter_invalid', field: 'type_of_traffic' })
    }
    expect(visits({ device: '6' })).toMatchObject({ field: 'device' })
  })

  test.each([
    ['Mentions Hashtag', { hashtag: 'a\nb' }],
    ['Mentions Hashtag', { hashtag: 'x'.repeat(201) }],
    ['Mentions Hashtag', { hashtag: 'a\u0000' }],
    ['Mentions Hashtag', { hashtag: '\ud800' }],
    ['SEO', { keywords: 'x'.repeat(201) }],
    ['SEO', { keywords: 'x\n'.repeat(140_000) }],
    ['Invites from Groups', { groups: ' \n ' }],
    ['Mentions Media Likers', { media: 'javascript:alert(1)' }],
    ['Poll', { answer_number: '1001' }],
  ] as const)('%s: %j is refused', (type, given) => {
    expect(check({ ...GIVEN, ...given, quantity: '10' }, { type })).toMatchObject({
      code: 'parameter_invalid',
      field: Object.keys(given)[0],
    })
  })

  test('of two requests under one key each parameter tells them apart, and what a type has no use for does not', () => {
    const content = (given: object) => {
      const checked = check({ ...GIVEN, ...given, quantity: '10' }, { type: 'Web Traffic' })
      return isRefusal(checked) ? checked.code : contentOf(1n, checked)
    }
    expect(content({ device: '4' })).not.toBe(content({}))
    expect(content({ keywords: 'other' })).toBe(content({}))
    // As the ledger has kept it for the orders of all the years before.
    const checked = check({ comments: 'a\nb' }, { type: 'Custom Comments', min: 1n })
    if (isRefusal(checked)) throw new Error(checked.message)
    expect(contentOf(7n, checked)).toBe('["7","https://example.com/a","2","a\\nb"]')
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

  test('each run reaches the minimum, all together keep to the maximum, and each is charged by itself', () => {
    const fed = (request: Partial<OrderRequest>) => check({ interval: '5', ...request }, { dripfeed: true })
    expect(fed({ quantity: '11', runs: '3' })).toMatchObject({
      quantity: 11n,
      charge: 9_900n,
      rhythm: { runs: 3, interval_minutes: 5 },
    })
    expect(codeOf(fed({ quantity: '9', runs: '3' }))).toBe('quantity_below_min')
    expect(codeOf(fed({ quantity: '500', runs: '2' }))).toBeUndefined()
    expect(codeOf(fed({ quantity: '501', runs: '2' }))).toBe('quantity_above_max')
    const most = { rate: 10n ** 15n, max: 999_999_999_999n, dripfeed: true }
    expect(codeOf(check({ quantity: '9000', interval: '5', runs: '1000' }, most))).toBeUndefined()
    expect(codeOf(check({ quantity: '10000', interval: '5', runs: '1000' }, most))).toBe('charge_invalid')
    // Whatever comes, it weighs no less than it makes orders.
    expect(['3', ' 3 ', '0003', '', 'x', '1001', undefined].map((runs) => weightOf({ runs }))).toEqual([
      3, 3, 3, 1, 1, 1, 1,
    ])
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
      ...Object.fromEntries(PARAM_NAMES.map((name) => [name, text])),
      runs: text,
      interval: text,
      request_key: text,
    })
    const type = fc.constantFrom(...TYPE_NAMES)
    fc.assert(
      fc.property(request, type, ({ link, ...rest }, type) => {
        const checked = check({ ...rest, link: link ?? '' }, { type } as Partial<Service>)
        expect(isRefusal(checked) || checked.charge > 0n).toBe(true)
      }),
    )
  })
})
