import { onTestFinished } from 'vitest'
import { controlOf, type PanelControl } from './client.ts'
import { type ProviderPanel, type ProviderPanelOptions, startProviderPanel } from './start-provider-panel.ts'

const KEY = 'test-key'

/** Every order takes a hundred seconds of the panel's clock. */
export const TEST_PACE = { complete_ms_min: 100_000, complete_ms_max: 100_000, post_every_ms: 10_000 }

export interface TestPanel {
  panel: ProviderPanel
  control: PanelControl
  /** Sends the fields with the key, as a form; the answer as it came. */
  send(fields: Record<string, string>, init?: RequestInit): Promise<Response>
  /** The same, read as JSON. */
  ask(fields: Record<string, string>): Promise<unknown>
  /** Places an order of 1,000 words for 38.00, unless `fields` say otherwise; gives its id. */
  place(fields?: Record<string, string>): Promise<string>
  /** Sets the panel's clock forward. */
  pass(ms: number): void
}

/** A panel for one test, on a clock that stands still; it is closed when the test ends. */
export async function startTestPanel(options: Partial<ProviderPanelOptions> = {}): Promise<TestPanel> {
  let now_ms = Date.parse('2026-01-01T00:00:00Z')
  const panel = await startProviderPanel({ key: KEY, pace: TEST_PACE, now_ms: () => now_ms, ...options })
  onTestFinished(() => panel.close())
  const send: TestPanel['send'] = (fields, init) =>
    fetch(panel.url, {
      method: 'POST',
      body: new URLSearchParams({ key: KEY, ...fields }),
      redirect: 'manual',
      ...init,
    })
  const ask: TestPanel['ask'] = async (fields) => (await send(fields)).json()
  return {
    panel,
    control: controlOf(panel.control_url, options.control_token),
    send,
    ask,
    place: async (fields = {}) => {
      const defaults = { action: 'add', service: '101', link: 'https://example.org/text', quantity: '1000' }
      const answer = (await ask({ ...defaults, ...fields })) as { order?: number; error?: string }
      if (answer.order === undefined) throw new Error(`refused: ${answer.error}`)
      return String(answer.order)
    },
    pass: (ms) => {
      now_ms += ms
    },
  }
}
