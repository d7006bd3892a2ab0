import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { AccountBlockedError, UserNotFoundError } from '#server/domains/identity/errors.ts'
import { present } from '#server/kit/invariant.ts'
import { newWebhookSecret } from '#server/kit/standard-webhooks.ts'
import type { App } from '#server/platform/app.ts'
import { textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import type { Secrets } from '#server/platform/secrets/secrets.ts'
import { TooManyWebhooksError } from './errors.ts'
import { lockWebhook } from './lock-webhook.ts'
import { perUserMax } from './settings.ts'
import { type Signature, secretContext, type Webhook, withoutQuery } from './webhook.ts'

/** `url` as `readWebhookUrl` answers it. */
export interface NewWebhook {
  user_id: bigint
  url: string
  description: string
  event_types: readonly string[]
  signature: Signature
}

const LOCK_USER = statement('select state from identity.user where id = $1 for no key update')
const COUNT = statement(
  'select count(*)::int as webhooks from notifications.webhook where user_id = $1 and deleted_at is null',
)

// The id is drawn first, because the secret is sealed for it.
const DRAW_ID = statement(`select nextval(pg_get_serial_sequence('notifications.webhook', 'id')) as id`)
const INSERT = statement(`
  with made as (
    insert into notifications.webhook (id, user_id, url, description, event_types, signature, secret_ciphertext, secret_key_id, created_at)
    values ($1, $2, $3, $4, $5::text[], $6, $7, $8, $9)
    returning id
  )
  insert into notifications.webhook_health (webhook_id) select id from made`)

/** Makes a webhook, enabled. The secret is told here and never again. Throws UserNotFoundError, AccountBlockedError, TooManyWebhooksError. */
export async function createWebhook(
  app: App,
  secrets: Secrets,
  input: NewWebhook,
  actor: Actor,
): Promise<{ webhook: Webhook; secret: string }> {
  const secret = newWebhookSecret()
  const webhook = await app.db.transaction(async (tx) => {
    await refuseTooMany(app, tx, input.user_id)
    const [drawn] = await tx.query<{ id: bigint }>(DRAW_ID)
    const { id } = present(drawn, 'createWebhook: no id drawn')
    const sealed = secrets.seal(secret, secretContext(id))
    const { user_id, url, description, event_types, signature } = input
    const types = [...new Set(event_types)]
    const stored = [sealed.ciphertext, sealed.key_id, app.clock.now()]
    await tx.query(INSERT, [id, user_id, url, description, textArray(types), signature, ...stored])
    const after = { user_id, url: withoutQuery(url), event_types: types, signature }
    recordActs(tx, [{ action: 'webhooks.created', actor, subject: { kind: 'webhook', id }, after }])
    return lockWebhook(tx, { webhook_id: id, user_id })
  })
  return { webhook, secret }
}

async function refuseTooMany(app: App, tx: Tx, user_id: bigint): Promise<void> {
  // Held until the commit, so that two at once do not both take the last place.
  const [user] = await tx.query<{ state: string }>(LOCK_USER, [user_id])
  if (!user) throw new UserNotFoundError()
  if (user.state === 'blocked') throw new AccountBlockedError()
  const [count] = await tx.query<{ webhooks: number }>(COUNT, [user_id])
  const max = app.settings.read(perUserMax)
  if (present(count, 'count answers a row').webhooks >= max) throw new TooManyWebhooksError(max)
}
