import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { emptySaldoHome, startSaldo } from '../support/started-saldo.ts'

/** The system's Chromium, alone with this machine. `npm test` installs it and names it. */
async function openPage(): Promise<{ page: Page; complaints: string[] }> {
  const browser = await chromium.launch({
    executablePath: process.env.SALDO_TEST_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  return { page, complaints }
}

test('a developer finds the doors described, in three languages, and sees that this is a sandbox', async () => {
  const saldo = await startSaldo(emptySaldoHome())
  const { page, complaints } = await openPage()
  await page.goto(saldo.file.url)
  expect(new URL(page.url()).pathname).toBe('/docs')
  expect(await page.getByText('Sandbox').first().isVisible()).toBe(true)
  expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1)
  await page.getByRole('link', { name: 'Русский' }).click()
  expect(await page.locator('html').getAttribute('lang')).toBe('ru')
  const overflow = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
  expect(overflow).toBe(false)
  expect(complaints).toEqual([])
}, 90_000)
