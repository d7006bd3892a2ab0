import { parseCronItem } from 'graphile-worker'

/** Whether a chore is due in the minute that begins at `minute`. */
export type IsDue = (minute: Date) => boolean

/** Reads a five-field cron in UTC (`*`, `a`, `a-b`, lists, steps). Throws when it is none, naming `name`. */
export function readCron(cron: string, name: string): IsDue {
  let match: ReturnType<typeof parseCronItem>['match']
  try {
    match = parseCronItem({ task: 'chore', match: cron, identifier: name }).match
  } catch (error) {
    throw new Error(`chore ${name} has no readable cron: ${cron}`, { cause: error })
  }
  return (minute) =>
    match({
      min: minute.getUTCMinutes(),
      hour: minute.getUTCHours(),
      date: minute.getUTCDate(),
      month: minute.getUTCMonth() + 1,
      dow: minute.getUTCDay(),
    })
}
