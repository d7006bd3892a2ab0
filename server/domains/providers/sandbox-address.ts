import type { Config } from '#server/platform/config/config.ts'
import { ProviderSettingError } from './errors.ts'

/** Throws ProviderSettingError where a sandbox would call a provider that is not simulated on this machine. */
export function refuseOutsideOfSandbox(config: Pick<Config, 'mode'>, url: string | undefined): void {
  if (url === undefined || config.mode !== 'sandbox' || isLoopback(url)) return
  const why = 'a sandbox calls only simulated providers on 127.0.0.1: real keys and play money do not meet'
  throw new ProviderSettingError('url', `url: ${why}`)
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
}
