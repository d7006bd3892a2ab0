import ipaddr from 'ipaddr.js'
import { invariant } from '#server/kit/invariant.ts'
import { plainArray, textArray } from '#server/platform/db/arrays.ts'
import { statement, type Tx } from '#server/platform/db/database.ts'
import { isSecretField } from '#server/platform/telemetry/secret-fields.ts'
import { hasSecretValue, maskSecretValues } from '#server/platform/telemetry/secret-values.ts'
import type { Act, Json } from './act.ts'

/** The longest desk page, with room. A verb that changes more says so in one act. */
const ACTS_MAX = 1_000

/** `before` and `after` each: the fields that changed, not the thing. Also the columns' own limit. */
const VALUES_BYTES_MAX = 16_384

/** A paragraph; the doors allow less. */
const REASON_CHARS_MAX = 1_000

/** What tells clients apart stands in front. */
const USER_AGENT_CHARS_MAX = 200

const ACTION = /^[a-z][a-z0-9_-]*(?:\.[a-z][a-z0-9_-]*)+$/
const ACTION_CHARS_MAX = 80
const KIND = /^[a-z][a-z0-9_-]{0,39}$/
const SUBJECT_ID_CHARS_MAX = 200

const INSERT = statement(`
  with act as (
    insert into audit.act (action, actor_kind, user_id, via, key_id, ip, request_id, user_agent, subject_kind, subject_id, before, after, reason)
    select action, actor_kind, user_id, via, key_id, ip, request_id, user_agent, subject_kind, subject_id, before, after, reason
    from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::inet[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::json[], $12::json[], $13::text[]) with ordinality as new (action, actor_kind, user_id, via, key_id, ip, request_id, user_agent,
      subject_kind, subject_id, before, after, reason, place)
    order by place
    returning id, at
  )
  insert into audit.unsealed (act, at) select id, at from act`)

/**
 * Records acts as part of the transaction that does them: one insert, sent without waiting, so that there is no act without its row and no row without
 * its act. At most ACTS_MAX; the longest of each text is above. A secret in `before` or `after`, by the name of its field or by its form, is a
 * defect of the caller: InvariantError. So is an action, kind or text that is not as it must be. In `reason` and `user_agent`, which come from outside, a
 * secret is masked.
 */
export function recordActs(tx: Tx, acts: readonly Act[]): void {
  if (acts.length === 0) return
  invariant(acts.length <= ACTS_MAX, `recordActs: more than ${ACTS_MAX} acts`)
  const rows = acts.map(rowOf)
  tx.send(INSERT, [
    textArray(rows.map((row) => row.action)),
    textArray(rows.map((row) => row.actor_kind)),
    plainArray(rows.map((row) => row.user_id)),
    textArray(rows.map((row) => row.via)),
    plainArray(rows.map((row) => row.key_id)),
    textArray(rows.map((row) => row.ip)),
    textArray(rows.map((row) => row.request_id)),
    textArray(rows.map((row) => row.user_agent)),
    textArray(rows.map((row) => row.subject_kind)),
    textArray(rows.map((row) => row.subject_id)),
    textArray(rows.map((row) => row.before)),
    textArray(rows.map((row) => row.after)),
    textArray(rows.map((row) => row.reason)),
  ])
}

function rowOf(act: Act) {
  const { action, actor, subject } = act
  invariant(ACTION.test(action) && action.length <= ACTION_CHARS_MAX, `recordActs: "${action}" is no action`)
  invariant(!subject || KIND.test(subject.kind), `recordActs: ${action} on a subject of no kind`)
  const subject_id = subject && String(subject.id)
  invariant(subject_id !== '', `recordActs: ${action} on a subject without id`)
  invariant((subject_id?.length ?? 0) <= SUBJECT_ID_CHARS_MAX, `recordActs: ${action} on a subject with too long an id`)
  invariant(!subject_id || !hasSecretValue(subject_id), `recordActs: the subject of ${action} is a secret`)
  invariant((act.reason?.length ?? 0) <= REASON_CHARS_MAX, `recordActs: the reason of ${action} is too long`)
  return {
    action,
    actor_kind: actor.kind,
    user_id: actor.user_id,
    via: actor.via,
    key_id: actor.key_id,
    ip: addressOf(actor.ip),
    request_id: actor.request_id || undefined,
    user_agent: fromOutside(actor.user_agent)?.slice(0, USER_AGENT_CHARS_MAX).toWellFormed(),
    subject_kind: subject?.kind,
    subject_id,
    before: valuesOf(act, 'before'),
    after: valuesOf(act, 'after'),
    reason: fromOutside(act.reason),
  }
}

/** An address as PostgreSQL takes it: without zone, mapped IPv4 as IPv4. What is none is left out, for an act is never lost over it. */
function addressOf(ip: string | undefined): string | undefined {
  const [address = ''] = ip?.split('%') ?? []
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : undefined
}

/** A text as PostgreSQL takes it: without NUL and halved characters. Masked, because people and clients put their keys into any field. */
function fromOutside(text: string | undefined): string | undefined {
  return (
    maskSecretValues(text ?? '')
      .replaceAll('\0', '')
      .toWellFormed() || undefined
  )
}

function valuesOf(act: Act, side: 'before' | 'after'): string | undefined {
  const values = act[side]
  if (values === undefined) return undefined
  refuseSecrets(values, `${side} of ${act.action}`)
  const text = JSON.stringify(values, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))
  const fits = text.length * 3 <= VALUES_BYTES_MAX || Buffer.byteLength(text) <= VALUES_BYTES_MAX
  invariant(fits, `recordActs: ${side} of ${act.action} exceeds ${VALUES_BYTES_MAX} bytes`)
  return text
}

/** Names the place and never the value: the message goes into logs. */
function refuseSecrets(value: Json | undefined, where: string): void {
  if (typeof value === 'string') invariant(!hasSecretValue(value), `recordActs: a secret stands in ${where}`)
  if (typeof value !== 'object' || value === null || value instanceof Date) return
  if (Array.isArray(value)) {
    for (const item of value) refuseSecrets(item, where)
    return
  }
  for (const [name, field] of Object.entries(value)) {
    invariant(!isSecretField(name), `recordActs: ${where} has the field ${name}, which is a secret by its name`)
    invariant(!hasSecretValue(name), `recordActs: a secret stands in ${where}`)
    refuseSecrets(field, `${name} of ${where}`)
  }
}
