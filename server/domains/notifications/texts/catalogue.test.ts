import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SECURITY_NOTICE_KINDS } from '#server/domains/identity/events.ts'
import { LOCALES } from '#server/domains/identity/user.ts'
import { CATALOGUE } from './catalogue.ts'
import { faultsOf } from './check-texts.ts'
import { FRAMES } from './frames.ts'
import { type Data, isKind, KIND_NAMES, sampleData, variablesOf } from './kinds.ts'
import { plainText } from './plain-text.ts'
import { fill, formsOf, pluralForms, variablesIn } from './template.ts'
import { writeTexts } from './write-texts.ts'
import { writeVariable } from './write-variable.ts'

/** What a replacement or a template literal would act on. */
const DOLLARS = ['$&', '$', '{1+1} {{a}}'].join(' ')

const EVERY = LOCALES.flatMap((locale) => KIND_NAMES.map((kind) => [locale, kind] as const))

test.each(EVERY)('the texts in %s of %s have every form, and only variables that are there', (locale, kind) => {
  expect(faultsOf(kind, locale, CATALOGUE[locale][kind])).toEqual([])
})

test.each(EVERY)('the texts in %s of %s speak of what the English ones speak of', (locale, kind) => {
  const told = (texts: (typeof CATALOGUE)['en'][typeof kind]) =>
    [...new Set([...variablesIn(texts.title), ...variablesIn(texts.body)])].sort()
  expect(told(CATALOGUE[locale][kind])).toEqual(told(CATALOGUE.en[kind]))
})

test.each(EVERY)('in %s a message of %s is written whole', (locale, kind) => {
  const { title, body } = writeTexts(kind, sampleData(kind), { locale, time_zone: 'Asia/Dhaka' })
  for (const text of [title, body]) {
    expect(text).not.toMatch(/[{}]|undefined|NaN|Invalid/)
    expect(text.trim()).not.toBe('')
  }
})

test('what stands around messages is there in every language, with the forms that it has', () => {
  const shape = (value: object): unknown =>
    Object.fromEntries(
      Object.entries(value).map(([name, text]) => [
        name,
        typeof text === 'object' && !('by' in text) ? shape(text) : typeof text === 'object' ? 'plural' : text !== '',
      ]),
    )
  for (const locale of LOCALES) {
    expect(shape(FRAMES[locale])).toEqual(shape(FRAMES.en))
    const { by, ...forms } = FRAMES[locale].more as { by: string }
    expect([by, Object.keys(forms).sort()]).toEqual(['count', [...pluralForms(locale)].sort()])
  }
})

test('every security notice of an account has a message', () => {
  expect(SECURITY_NOTICE_KINDS.filter((kind) => !isKind(kind))).toEqual([])
})

test('plurals follow the language: Russian has four forms, and its numbers choose among them', () => {
  const title = (count: number) =>
    writeTexts(
      'orders_completed',
      { count, orders: { first: ['1'], more: count - 1 } },
      { locale: 'ru', time_zone: 'UTC' },
    ).title
  expect([1, 3, 5, 21, 112].map(title)).toEqual([
    'Выполнен 1 заказ',
    'Выполнено 3 заказа',
    'Выполнено 5 заказов',
    'Выполнен 21 заказ',
    'Выполнено 112 заказов',
  ])
})

test('money keeps every digit, and times stand in the reader’s zone and language', () => {
  const dhaka = { locale: 'bn', time_zone: 'Asia/Dhaka' } as const
  const moscow = { locale: 'ru', time_zone: 'Europe/Moscow' } as const
  const english = { locale: 'en', time_zone: 'UTC' } as const
  const sum = (amount: string, asset: string, scale: number) => ({ amount, asset, scale })
  const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')
  expect(writeVariable('money', sum('9007199254740993123456', 'USD', 6), english)).toBe('$9,007,199,254,740,993.123456')
  expect(writeVariable('money', sum('-1500000', 'USD', 6), english)).toBe('-$1.50')
  expect(plain(writeVariable('money', sum('1234567890', 'RUB', 6), moscow))).toBe('1 234,56789 ₽')
  expect(writeVariable('money', sum('2500000000', 'TON', 9), english)).toContain('2.50')
  expect(writeVariable('money', sum('2500000', 'USDT', 6), english)).toBe('2.50 USDT')
  expect(writeVariable('time', '2026-01-31T22:30:00.000Z', dhaka)).toContain('১ ফেব্রুয়ারি')
  expect(plain(writeVariable('time', '2026-01-31T22:30:00.000Z', moscow))).toContain('1 февраля 2026 г. в 01:30')
  expect(writeVariable('names', { first: ['1', '2'], more: 480 }, english)).toBe('1, 2, and 480 more')
})

test('values are never read again: what looks like a variable in them stays as it is', () => {
  const text = fill(
    '{{a}} and {{b}}',
    'en',
    (name) => (name === 'a' ? '{{b}}' : DOLLARS),
    () => 0,
  )
  expect(text).toBe(`{{b}} and ${DOLLARS}`)
})

test('no value breaks out of its line, turns the writing round, or is seen nowhere', () => {
  const hostile = 'Pay\r\nBcc: eve@example.com\u202Egnp.exe\u0000 \u2066x\u2069\u200b'
  expect(plainText(hostile)).toBe('Pay Bcc: eve@example.com gnp.exe x')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (value) => {
      const text = plainText(value)
      expect(text).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
      expect(text.length).toBeLessThanOrEqual(600)
      expect(text.isWellFormed()).toBe(true)
    }),
  )
})

test('any data makes one line of each title, whatever was put into it', () => {
  const data = (kind: (typeof KIND_NAMES)[number], value: string): Data => ({
    ...sampleData(kind),
    ...Object.fromEntries(
      Object.entries(variablesOf(kind))
        .filter(([, type]) => type === 'text')
        .map(([name]) => [name, value]),
    ),
  })
  fc.assert(
    fc.property(
      fc.constantFrom(...KIND_NAMES),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...LOCALES),
      (kind, value, locale) => {
        const { title } = writeTexts(kind, data(kind, value), { locale, time_zone: 'UTC' })
        expect(title).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      },
    ),
  )
})

test('texts that staff write are refused for every way out of plain words', () => {
  const faults = (texts: object) => faultsOf('alert_dead_letters', 'en', { title: 'T', body: 'B', ...texts } as never)
  expect(faults({})).toEqual([])
  expect(faults({ body: '{{count}} of {{constructor}}' })).toMatchObject([{ field: 'body' }])
  expect(faults({ body: '{{secret}}' })[0]?.reason).toContain('known are count')
  for (const body of [
    '{{count + 1}}',
    '{{ count | raw }}',
    '{{{count}}}',
    '$count {',
    '{{#each}}',
    '{{count',
    '<%= {1} %>',
  ]) {
    expect({ body, faults: faults({ body }).length > 0 }).toEqual({ body, faults: true })
  }
  expect(faults({ title: 'two\nlines' })).toEqual([{ field: 'title', reason: 'must be one line' }])
  expect(faults({ action: 'Press' })).toMatchObject([{ field: 'action' }])
  expect(faults({ title: { by: 'count', one: 'a' } })[0]?.reason).toContain('other')
  expect(faultsOf('confirm_email', 'en', { title: 'T', body: '{{link}}', action: 'Go' })).toMatchObject([
    { field: 'body' },
  ])
  expect(formsOf({ by: 'count', one: 'a', other: 'b' })).toEqual(['a', 'b'])
})
