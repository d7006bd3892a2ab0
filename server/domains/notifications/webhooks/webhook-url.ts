import type { App } from '#server/platform/app.ts'
import { checkUrl } from '#server/platform/outbound/check-url.ts'
import type { ResolveName } from '#server/platform/outbound/resolve-name.ts'
import { WebhookUrlError } from './errors.ts'
import { portsAllowed } from './settings.ts'
import { URL_MAX } from './webhook.ts'

type Rules = Pick<App, 'settings'> & { config: Pick<App['config'], 'mode' | 'allow_private_addresses'> }

/**
 * Why the form of an address refuses it, in words for its owner; undefined: nothing against it. In production only HTTPS, on the ports of the settings. Asked when
 * a webhook is made and again at each request, for settings change.
 */
export function urlFault(url: URL, app: Rules): string | undefined {
  const sandbox = app.config.mode === 'sandbox'
  if (url.protocol !== 'https:' && !(sandbox && url.protocol === 'http:')) return 'It must begin with https://.'
  if (url.username !== '' || url.password !== '') return 'It must not contain a user name or password.'
  if (url.hash !== '') return 'It must not contain a #.'
  if (url.href.length > URL_MAX) return `It must not be longer than ${URL_MAX} characters.`
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const ports = app.settings.read(portsAllowed)
  if (!sandbox && !ports.includes(port)) return `Its port must be one of ${ports.join(', ')}.`
  return undefined
}

/**
 * Reads the address of a webhook and looks whether it leads to the public internet today; each request looks again. Answers it in the one form in which it is stored.
 * Uses the network, so not within a transaction. Throws WebhookUrlError.
 */
export async function readWebhookUrl(text: string, app: Rules, resolveName: ResolveName): Promise<string> {
  const url = URL.parse(text.trim())
  if (url === null) throw new WebhookUrlError('It must be a web address such as https://example.com/webhooks.')
  const fault = urlFault(url, app)
  if (fault) throw new WebhookUrlError(fault)
  const { allow_private_addresses } = app.config
  switch (await checkUrl(url, { allow_private_addresses, resolveName })) {
    case 'address_refused':
      throw new WebhookUrlError('Its host is not on the public internet.')
    case 'dns':
      throw new WebhookUrlError('Its host name is not known.')
    default:
      return url.href
  }
}
