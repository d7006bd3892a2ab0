import type { Actor, Json } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import type { App } from '#server/platform/app.ts'
import { changeSetting, DEFAULT, REASON_MAX, type SettingChanged } from '#server/platform/settings/change-setting.ts'
import { SettingNotFoundError, SettingRefusedError } from '#server/platform/settings/errors.ts'
import type { Setting } from '#server/platform/settings/setting.ts'
import { isSecretField } from '#server/platform/telemetry/secret-fields.ts'
import { hasSecretValue, maskSecretValues } from '#server/platform/telemetry/secret-values.ts'
import { actorName } from '../actor-name.ts'

/** What somebody wants of a setting; see ChangeSetting. */
export interface EditSetting {
  name: string
  /** As stored: JSON. DEFAULT takes back what was set. */
  value: unknown
  version: bigint
  reason: string
  actor: Actor
}

/**
 * Sets one of `settings`, or takes it back to its default, and records who did it in the same transaction. When it answers, this process knows the new
 * value; every other does within a second. Throws SettingNotFoundError, SettingRefusedError (for a secret too: those come from the
 * environment), StaleSettingError.
 */
export async function editSetting(
  app: Pick<App, 'db' | 'settings' | 'log'>,
  settings: readonly Setting<unknown>[],
  edit: EditSetting,
): Promise<SettingChanged> {
  const { name, value, version, actor } = edit
  const setting = settings.find((each) => each.name === name)
  if (!setting) throw new SettingNotFoundError()
  if (value !== DEFAULT && carriesSecret(value)) {
    const reason = 'must not carry a secret: those are set in the environment'
    throw new SettingRefusedError([{ field: 'value', reason }])
  }
  const reason = maskSecretValues(edit.reason).slice(0, REASON_MAX).toWellFormed()
  const changed = await app.db.transaction(async (tx) => {
    const change = await changeSetting(tx, { setting, value, version, actor: actorName(actor), reason })
    if (change.version === change.version_before) return change
    const act = { action: 'settings.changed', actor, subject: { kind: 'setting', id: name }, reason }
    const [before, after] = [change.before, change.after].map(toldValue)
    recordActs(tx, [
      {
        ...act,
        before: { version: change.version_before, ...before },
        after: { version: change.version, ...after },
      },
    ])
    return change
  })
  await app.settings.refresh().catch((err: unknown) => {
    // Done all the same: this process learns it as the others do.
    app.log.warn({ err, setting: name }, 'settings could not be read again after a change')
  })
  return changed
}

/** One that was put there by hand may be anything; the audit takes no secret. */
function toldValue(value: unknown): { [name: string]: Json } {
  if (value === DEFAULT) return { default: true }
  return { value: carriesSecret(value) ? '***' : (value as Json) }
}

function carriesSecret(value: unknown): boolean {
  if (typeof value === 'string') return hasSecretValue(value)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, field]) => {
    return isSecretField(name) || hasSecretValue(name) || carriesSecret(field)
  })
}
