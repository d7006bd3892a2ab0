import { answersKeptHours } from '#server/platform/idempotency/sweep-answers.ts'
import type { Setting } from '#server/platform/settings/setting.ts'

/** Every setting of the house. One that is not here is read at its default and cannot be changed. */
export const SETTINGS: readonly Setting<unknown>[] = [answersKeptHours]
