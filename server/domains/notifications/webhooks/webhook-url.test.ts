import { expect, test } from 'vitest'
import type { Config } from '#server/platform/config/config.ts'
import { resolveByDns } from '#server/platform/outbound/resolve-name.ts'
import type { Setting } from '#server/platform/settings/setting.ts'
import { startNameServer } from '#test/support/name-server.ts'
import { WebhookUrlError } from './errors.ts'
import { readWebhookUrl } from './webhook-url.ts'

async function setup(config: Pick<Config, 'mode' | 'allow_private_addresses'>) {
  const names = await startNameServer({
    'shop.example': () => ['8.8.8.8'],
    'inside.example': () => ['8.8.8.8', '10.0.0.1'],
  })
  const settings = { read: <T>(setting: Setting<T>) => setting.default }
  const app = { config, settings } as Parameters<typeof readWebhookUrl>[1]
  const read = (text: string) => readWebhookUrl(text, app, resolveByDns([names.address]))
  const refused = (text: string) =>
    read(text).then(
      (url) => `taken as ${url}`,
      (error: unknown) => (error instanceof WebhookUrlError ? error.detail : String(error)),
    )
  return { read, refused }
}

const PRODUCTION = { mode: 'production', allow_private_addresses: false } as const

test('in production an address is HTTPS, on a port of the list, without credentials, on the public internet', async () => {
  const { read, refused } = await setup(PRODUCTION)
  expect(await read(' https://SHOP.example/hooks?token=1 ')).toBe('https://shop.example/hooks?token=1')
  expect(await read('https://shop.example:8443/')).toBe('https://shop.example:8443/')
  expect(await read('https://8.8.8.8/')).toBe('https://8.8.8.8/')
  const cases: [string, RegExp][] = [
    ['', /web address/],
    ['shop.example/hooks', /web address/],
    ['http://shop.example/', /https:/],
    ['ftp://shop.example/', /https:/],
    ['javascript:alert(1)', /https:/],
    ['https://user:pw@shop.example/', /user name or password/],
    ['https://user@shop.example/', /user name or password/],
    ['https://shop.example/#top', /#/],
    ['https://shop.example:22/', /port must be one of 443, 8443/],
    ['https://shop.example:5432/', /port/],
    [`https://shop.example/${'x'.repeat(2_000)}`, /2000 characters/],
    ['https://inside.example/', /not on the public internet/],
    ['https://localhost/', /not on the public internet/],
    ['https://127.0.0.1/', /not on the public internet/],
    ['https://0x7f.1/', /not on the public internet/],
    ['https://0177.0.0.1/', /not on the public internet/],
    ['https://2130706433/', /not on the public internet/],
    ['https://[::1]/', /not on the public internet/],
    ['https://[::ffff:10.0.0.1]/', /not on the public internet/],
    ['https://169.254.169.254/latest/meta-data', /not on the public internet/],
    ['https://unknown.example/', /not known/],
  ]
  for (const [text, why] of cases) expect([text, await refused(text)]).toEqual([text, expect.stringMatching(why)])
})

test('what is refused names the field and does not tell where a name leads', async () => {
  const { read } = await setup(PRODUCTION)
  const error = await read('https://inside.example/').catch((each: unknown) => each)
  expect(error).toMatchObject({ status: 422, code: 'webhook_url_refused', field: 'url' })
  expect(JSON.stringify(error)).not.toContain('10.0.0.1')
})

test('in the sandbox it may be HTTP, on this machine, on any port; credentials are refused all the same', async () => {
  const { read, refused } = await setup({ mode: 'sandbox', allow_private_addresses: true })
  expect(await read('http://127.0.0.1:4123/hooks/a')).toBe('http://127.0.0.1:4123/hooks/a')
  expect(await refused('http://user:pw@127.0.0.1/')).toMatch(/user name or password/)
  expect(await refused('ftp://127.0.0.1/')).toMatch(/https:/)
})
