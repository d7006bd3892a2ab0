import { expect, test } from 'vitest'
import { barriersOn, expectNoSideways, openPage, WIDTHS } from '../support/browser.ts'
import { emptySaldoHome, startSaldo } from '../support/started-saldo.ts'

test('a developer finds the doors described, in three languages, and sees that this is a sandbox', async () => {
  const saldo = await startSaldo(emptySaldoHome())
  const { page, complaints } = await openPage()
  await page.goto(saldo.file.url)
  expect(new URL(page.url()).pathname).toBe('/docs')
  expect(await page.getByText('Sandbox').first().isVisible()).toBe(true)
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
  await page.getByRole('link', { name: 'Русский' }).click()
  expect(await page.locator('html').getAttribute('lang')).toBe('ru')
  for (const size of Object.values(WIDTHS)) {
    await page.setViewportSize(size)
    await expectNoSideways(page)
    expect(await barriersOn(page)).toEqual([])
  }
  expect(complaints).toEqual([])
}, 90_000)
