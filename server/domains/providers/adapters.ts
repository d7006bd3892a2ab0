import { openPanelV2 } from './adapters/panel-v2/client.ts'
import type { Line } from './line.ts'
import type { Provider } from './provider.ts'
import type { ProviderRow } from './provider-row.ts'

/** Makes a provider of its settings, its key and the way to it. */
export type Adapter = (row: ProviderRow, key: string, line: Line) => Provider

/** Every protocol that Saldo speaks to providers, by the name in `providers.provider.adapter`. */
export const ADAPTERS: Readonly<Partial<Record<string, Adapter>>> = { 'panel-v2': openPanelV2 }
