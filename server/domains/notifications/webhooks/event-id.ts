const PREFIX = 'msg_'
const SHOWN = /^msg_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/

/** An event's id as receivers know it, in the header `webhook-id` and at the doors. */
export function shownEventId(id: string): string {
  return PREFIX + id.replaceAll('-', '')
}

/** The id that is shown so; undefined when none is. */
export function parseEventId(text: string): string | undefined {
  return SHOWN.exec(text)?.slice(1).join('-')
}
