import { SYSTEM } from '#server/domains/audit/act.ts'
import { createWebhook } from '#server/domains/notifications/webhooks/create-webhook.ts'
import { editWebhook } from '#server/domains/notifications/webhooks/edit-webhook.ts'
import { webhooksOf } from '#server/domains/notifications/webhooks/queries.ts'
import { rotateSecret } from '#server/domains/notifications/webhooks/rotate-secret.ts'
import { EVERY_TYPE } from '#server/domains/notifications/webhooks/webhook.ts'
import { forkSandbox, portOf, type SandboxServer } from './fork-sandbox.ts'
import type { Saldo } from './open-saldo.ts'

/** The customer's webhook at the simulated receiver. */
const HOOK = 'customer'
const DESCRIPTION = 'Sandbox receiver'

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 10_000

/** The simulated receiver of webhooks, running. */
export interface SandboxReceiver {
  /** The page on which deliveries are seen. */
  url: string
  /** Lets the user have a webhook at it. */
  seed(user_id: bigint): Promise<void>
  stop: SandboxServer['stop']
}

/** Starts the receiver, on the port it had `before`, if that is free. */
export async function startSandboxReceiver(saldo: Saldo, before: string | undefined): Promise<SandboxReceiver> {
  const { told, stop } = await forkSandbox('webhook-receiver/main.ts', [['--port', portOf(before)], []])
  const url = told.url as string
  return { url, stop, seed: (user_id) => seedWebhook(saldo, url, user_id, before === undefined) }
}

/** Makes the webhook at the first start; a user who deleted it since does not want it. The receiver forgets, so it is told a new secret each time. */
async function seedWebhook({ app, secrets }: Saldo, base: string, user_id: bigint, first: boolean): Promise<void> {
  const url = `${base}/hooks/${HOOK}`
  const known = (await webhooksOf(app.db, user_id)).find((webhook) => webhook.description === DESCRIPTION)
  if (!known && !first) return
  const of = { webhook_id: known?.id ?? 0n, user_id }
  if (known && known.url !== url) await editWebhook(app, of, { url }, SYSTEM)
  const wanted = { user_id, url, description: DESCRIPTION, event_types: [EVERY_TYPE], signature: 'standard' as const }
  const { secret } = known
    ? await rotateSecret(app, secrets, { ...of, overlap_hours: 0 }, SYSTEM)
    : await createWebhook(app, secrets, wanted, SYSTEM)
  await app.outbound.call({
    url: `${base}/control/secrets`,
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ [HOOK]: secret }),
    timeout_ms: TIMEOUT_MS,
    max_bytes: ANSWER_BYTES_MAX,
  })
}
