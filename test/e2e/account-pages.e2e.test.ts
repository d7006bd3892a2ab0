import { expect, test } from 'vitest'
import { PAGES } from '#server/domains/identity/pages/texts.ts'
import { LOCALES } from '#server/domains/identity/user.ts'
import { previewTemplate } from '#server/domains/notifications/templates/preview.ts'
import { KIND_NAMES } from '#server/domains/notifications/texts/kinds.ts'
import { barriersOn, expectNoSideways, openPage, WIDTHS } from '../support/browser.ts'
import { openDoors } from '../support/doors.ts'

const LOOKS = [
  ['phone', 'light'],
  ['desk', 'dark'],
] as const
const TOKEN = `ol_1.${'A'.repeat(43)}`

test('the pages behind mailed links keep nobody out: languages, widths, light and dark', async () => {
  const { url } = await openDoors()
  const { page, complaints } = await openPage()
  const barriers: string[] = []
  for (const name of PAGES) {
    for (const locale of LOCALES) {
      for (const [width, colorScheme] of LOOKS) {
        await page.setViewportSize(WIDTHS[width])
        await page.emulateMedia({ colorScheme })
        await page.goto(`${url}/account/${name}?lang=${locale}#${TOKEN}`)
        expect(await page.locator('html').getAttribute('lang')).toBe(locale)
        await expectNoSideways(page)
        const found = await barriersOn(page)
        barriers.push(...found.map((barrier) => `${name} ${locale} ${width} ${colorScheme}: ${barrier}`))
      }
    }
  }
  expect(barriers).toEqual([])
  expect(complaints).toEqual([])
}, 120_000)

test('a link that holds no more says so, by keyboard alone, and the token is not in the address', async () => {
  const { url } = await openDoors()
  const { page } = await openPage()
  await page.setViewportSize(WIDTHS.phone)
  await page.goto(`${url}/account/reset?lang=en#${TOKEN}`)
  expect(page.url()).not.toContain('ol_1')
  // The field has the focus already.
  await page.keyboard.type('a long enough secret')
  await page.keyboard.press('Enter')
  const said = page.getByRole('status')
  await said.and(page.locator('.bad')).waitFor({ timeout: 20_000 })
  expect(await barriersOn(page)).toEqual([])
  await page.goto(`${url}/account/reset?lang=en`)
  await said.and(page.locator('.bad')).waitFor({ timeout: 20_000 })
  expect(await page.getByRole('button').count()).toBe(0)
}, 90_000)

test('every mail is read on a telephone without going sideways, and keeps nobody out', async () => {
  const config = { public_url: 'https://saldo.example', port: 3000, mode: 'production' as const }
  const { page } = await openPage()
  await page.setViewportSize(WIDTHS.phone)
  // Nothing is loaded from anywhere: a mail that needs it would tell its sender who reads it.
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  const barriers: string[] = []
  for (const kind of KIND_NAMES) {
    for (const locale of LOCALES) {
      await page.setContent(previewTemplate(config, kind, locale).html)
      await expectNoSideways(page)
      // One skeleton for all: the languages differ in their words.
      if (locale === 'en') barriers.push(...(await barriersOn(page)).map((barrier) => `${kind}: ${barrier}`))
    }
  }
  expect(barriers).toEqual([])
  expect(asked.filter((each) => !each.startsWith('data:'))).toEqual([])
}, 120_000)
