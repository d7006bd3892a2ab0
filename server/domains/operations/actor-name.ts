import type { Actor } from '#server/domains/audit/act.ts'

/** `user:7`, `command`, `system`: whom a row of the platform names; the audit has the rest. */
export function actorName(actor: Actor): string {
  return actor.kind === 'user' ? `user:${actor.user_id}` : actor.kind
}
