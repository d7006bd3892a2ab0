import axe, { type AxeResults } from 'axe-core'
import { chromium, type Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

/** A phone that many have, and a desk. */
export const WIDTHS = { phone: { width: 390, height: 780 }, desk: { width: 1280, height: 800 } } as const

/** A page of the system's Chromium, alone with this machine, and what it complained of. `npm test` installs the browser and names it. */
export async function openPage(): Promise<{ page: Page; complaints: string[] }> {
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

/** What keeps people from using the page as it is open, by WCAG 2.2 AA: `rule: the element`. Empty when nothing does. */
export async function barriersOn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const run = `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`
  const { violations } = (await page.evaluate(run)) as AxeResults
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`))
}

/** Nothing on the page is wider than its window. */
export async function expectNoSideways(page: Page): Promise<void> {
  const overflow = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
  expect(overflow, `${page.url()} scrolls sideways`).toBe(false)
}
