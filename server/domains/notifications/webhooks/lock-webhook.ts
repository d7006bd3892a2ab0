import { statement, type Tx } from '#server/platform/db/database.ts'
import { WebhookNotFoundError } from './errors.ts'
import { WEBHOOK_COLUMNS, type Webhook } from './webhook.ts'

/** A webhook by its id: of this user, or of whomever where `user_id` is undefined, which is for staff. */
export interface WebhookOf {
  webhook_id: bigint
  user_id: bigint | undefined
}

const LOCK = statement(`
  select ${WEBHOOK_COLUMNS} from notifications.webhook w join notifications.webhook_health h on h.webhook_id = w.id
  where w.id = $1 and ($2::bigint is null or w.user_id = $2) and w.deleted_at is null for no key update of w`)

/** Locks a webhook until the transaction ends. Throws WebhookNotFoundError, for another owner's too. */
export async function lockWebhook(tx: Tx, { webhook_id, user_id }: WebhookOf): Promise<Webhook> {
  const [webhook] = await tx.query<Webhook>(LOCK, [webhook_id, user_id])
  if (!webhook) throw new WebhookNotFoundError()
  return webhook
}
