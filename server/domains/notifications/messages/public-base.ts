import type { Config } from '#server/platform/config/config.ts'

/** The address under which readers of messages reach us, without a slash at its end. */
export function publicBase(config: Pick<Config, 'public_url' | 'port'>): string {
  return (config.public_url ?? `http://localhost:${config.port}`).replace(/\/$/, '')
}
