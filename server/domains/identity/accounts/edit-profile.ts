import type { Actor } from '#server/domains/audit/act.ts'
import { recordActs } from '#server/domains/audit/record-acts.ts'
import { timeZoneNamed } from '#server/kit/time-zone.ts'
import type { App } from '#server/platform/app.ts'
import { statement } from '#server/platform/db/database.ts'
import { BadFieldError, UserNotFoundError } from '../errors.ts'
import { isName, type Locale, NAME_MAX } from '../user.ts'

/** What a user may change without further proof; what is absent stays. */
export interface ProfileChange {
  name?: string
  locale?: Locale
  /** IANA, such as Europe/Berlin. */
  time_zone?: string
}

const TIME_ZONE_MAX = 64

const LOCK = statement('select name, locale, time_zone from identity.user where id = $1 for no key update')

const UPDATE = statement('update identity.user set name = $2, locale = $3, time_zone = $4 where id = $1')

/** Changes a user's own profile. Throws BadFieldError (`name`, `time_zone`), UserNotFoundError. */
export async function editProfile(
  app: Pick<App, 'db'>,
  input: { user_id: bigint; change: ProfileChange; by: Actor },
): Promise<void> {
  const change = checked(input.change)
  await app.db.transaction(async (tx) => {
    const [before] = await tx.query<Required<ProfileChange>>(LOCK, [input.user_id])
    if (!before) throw new UserNotFoundError()
    const after = { ...before, ...change }
    const names = (['name', 'locale', 'time_zone'] as const).filter((name) => before[name] !== after[name])
    if (names.length === 0) return
    tx.send(UPDATE, [input.user_id, after.name, after.locale, after.time_zone])
    const only = (of: Required<ProfileChange>) => Object.fromEntries(names.map((name) => [name, of[name]]))
    const subject = { kind: 'user', id: input.user_id }
    recordActs(tx, [
      { action: 'users.profile_edited', actor: input.by, subject, before: only(before), after: only(after) },
    ])
  })
}

function checked({ name, locale, time_zone }: ProfileChange): ProfileChange {
  const trimmed = name?.trim()
  if (trimmed !== undefined && !isName(trimmed)) {
    throw new BadFieldError('name', `Up to ${NAME_MAX} characters, none of them a control character.`)
  }
  const zone = time_zone === undefined ? undefined : normalTimeZone(time_zone)
  if (time_zone !== undefined && zone === undefined) {
    throw new BadFieldError('time_zone', 'The name of a time zone such as Asia/Dhaka or Europe/Berlin.')
  }
  return {
    ...(trimmed !== undefined && { name: trimmed }),
    ...(locale !== undefined && { locale }),
    ...(zone !== undefined && { time_zone: zone }),
  }
}

/** The zone under the name that this machine has for it; undefined where it knows none, and for what is only an offset. */
function normalTimeZone(text: string): string | undefined {
  return text.length > TIME_ZONE_MAX || !/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(text) ? undefined : timeZoneNamed(text)
}
