import { expect, test } from 'vitest'
import { SYSTEM } from '#server/domains/audit/act.ts'
import type { OrderRefusal } from '#server/domains/orders/errors.ts'
import { refusalText } from '#server/domains/orders/panel-api/refusals.ts'
import { createPromoCode } from '#server/domains/payments/promo-codes/create-code.ts'
import { parseCurl } from '#test/support/curl.ts'
import { type Doors, openDoors } from '#test/support/doors.ts'

async function page(doors: Doors, path = '/docs', headers = {}): Promise<{ response: Response; html: string }> {
  const response = await fetch(`${doors.url}${path}`, { headers })
  return { response, html: await response.text() }
}

/** The examples as a reader sees them, in the page's order. */
function examplesIn(html: string): { curl: string; answer: string }[] {
  const blocks = html.matchAll(
    /<pre class="request"[^>]*><code>(.*?)<\/code><\/pre>\s*<pre class="answer"[^>]*><code>(.*?)<\/code><\/pre>/gs,
  )
  return [...blocks].map(([, curl = '', answer = '']) => ({ curl: unescapeHtml(curl), answer: unescapeHtml(answer) }))
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

/** What a value looks like: lists by their first item, texts of figures and times by their kind, error texts as they are. */
function shapeOf(value: unknown, name = ''): unknown {
  if (Array.isArray(value))
    return name === 'data' && value.length > 2 ? [shapeOf(value[0])] : value.map((each) => shapeOf(each))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field, key)]))
  }
  if (typeof value !== 'string') return value === null ? null : typeof value
  if (name === 'error' || name === 'code' || name === 'field' || name === 'currency') return value
  if (/^-?\d+\.\d{2,6}$/.test(value)) return 'amount'
  if (/^\d+$/.test(value)) return 'digits'
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return 'time'
  return 'text'
}

test('every example of the page runs, and answers as the page says', async () => {
  const doors = await openDoors()
  const { key } = await doors.customer('100', { legacy_get: true })
  await createPromoCode(doors.shop.app, {
    code: 'WELCOME10',
    promise: { kind: 'discount', discount_bp: 1_000n, below_margin: false, days: 30, holds_until: null },
    ...{ redemptions_max: null, registered_from: null, registered_until: null, starts_at: undefined, ends_at: null },
    ...{ by: SYSTEM, reason: 'The page speaks of it.' },
  })
  const examples = examplesIn((await page(doors)).html)
  expect(examples.length).toBeGreaterThan(20)
  /** Numbers of orders in the page, and what they are here. */
  const numbers = new Map<string, string>()
  const here = (text: string) => text.replace(/\b235\d\d\b/g, (number) => numbers.get(number) ?? number)
  for (const { curl, answer } of examples) {
    const { method, url, headers, body } = parseCurl(here(curl).replaceAll('YOUR_KEY', key))
    const { pathname, search } = new URL(url)
    const response = await fetch(`${doors.url}${pathname}${search}`, {
      method,
      headers,
      ...(body && { body }),
      redirect: 'error',
    })
    const text = await response.text()
    const documented = /\b235\d\d\b/.exec(answer)?.[0]
    const placed = /"(?:order|id)":"?(\d+)/.exec(text)?.[1]
    if (documented && placed && !numbers.has(documented)) numbers.set(documented, placed)
    const first = (value: unknown) => (Array.isArray(value) && value.length > 2 ? [value[0]] : value)
    expect({ curl, shape: shapeOf(first(JSON.parse(text))) }).toEqual({
      curl,
      shape: shapeOf(JSON.parse(here(answer))),
    })
  }
})

test('the page loads nothing, runs no script, and speaks the reader’s language', async () => {
  const doors = await openDoors()
  const { response, html } = await page(doors)
  expect(response.headers.get('content-security-policy')).toContain("default-src 'self'")
  const loading = /<(?:script|img|link|iframe|form)\b|<[^>]*\s(?:on\w+|src|style)="|href="(?:\w+:|\/\/)|@import|url\(/g
  // The icon is in the page itself.
  const shown = html.replace(/<link rel="icon" href="data:[^"]*">/, '')
  expect([...shown.matchAll(loading)].map(([found]) => found)).toEqual([])
  expect(html).toContain('<html lang="en">')
  expect(html).toContain('Sandbox: no real money')
  expect((await page(doors, '/docs?lang=ru')).html).toContain('<html lang="ru">')
  expect((await page(doors, '/docs?lang=xx')).response.status).toBe(200)
  const bengali = await page(doors, '/docs', { 'accept-language': 'fr;q=0.9, bn-BD;q=0.8, en;q=0.1' })
  expect(bengali.html).toContain('<html lang="bn">')
  expect(bengali.response.headers.get('content-language')).toBe('bn')
  // Every link of the page leads somewhere.
  for (const [, target = ''] of html.matchAll(/href="#([^"]+)"/g)) expect(html).toContain(`id="${target}"`)
  for (const [, path = ''] of html.matchAll(/href="(\/[^"]*)"/g)) {
    expect([path, (await page(doors, path)).response.status]).toEqual([path, 200])
  }
  const root = await fetch(`${doors.url}/`, { redirect: 'manual' })
  expect([root.status, root.headers.get('location')]).toEqual([302, '/docs'])
})

test('the page lists every operation of the document', async () => {
  const doors = await openDoors()
  const { html } = await page(doors)
  const document = (await (await fetch(`${doors.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      expect(html).toContain(`<span class="method">${method.toUpperCase()}</span> <code>${path}</code>`)
    }
  }
})

/** One of each, so that a new one does not compile until it is here. */
const REFUSED: Record<OrderRefusal['code'], Partial<OrderRefusal>> = {
  service_not_found: {},
  quantity_invalid: {},
  quantity_below_min: { limit: 50n },
  quantity_above_max: { limit: 10_000n },
  link_invalid: {},
  link_under_way: {},
  comments_invalid: {},
  line_invalid: {},
  parameter_invalid: { field: 'answer_number' },
  parameter_not_supported: {},
  insufficient_funds: {},
  request_key_invalid: {},
  request_key_reused: {},
  charge_invalid: {},
  daily_spend_limit_reached: {
    allowance: { limit: '150.00', left: '12.50', resets_at: '2026-11-25T00:00:00.000Z' },
  },
  quota_exceeded: {
    quota: 'orders_per_day',
    allowance: { limit: '500', left: '3', resets_at: '2026-11-25T00:00:00.000Z' },
  },
  too_many_orders_in_flight: { allowance: { limit: '100', left: '0' } },
}

test('the page has every reason for which the panels’ form takes no order, word for word', async () => {
  const { html } = await page(await openDoors())
  for (const [code, more] of Object.entries(REFUSED)) {
    const refusal = { code: code as OrderRefusal['code'], field: undefined, message: '', ...more }
    expect(unescapeHtml(html)).toContain(`<code>${refusalText(refusal)}</code>`)
  }
})
