import { ProviderReadError } from '#server/domains/providers/provider.ts'

/** Enough to ask for each of 100 orders alone, on the way down from the whole batch. */
const CALLS_MAX = 250

/** So many calls that end in crashes or rubbish without one good answer are no matter of single orders: from 100 orders down to one it takes eight. */
const FAILURES_MAX = 12

/** A row that could not be read, alike for orders and refills. */
interface FailedRow {
  ok: false
  reason: 'error' | 'unreadable'
  message: string
}

/** Asks for some orders (or refills) and answers a row for each; throws ProviderReadError. `first` is the whole batch. */
type AskRows<Row> = (ids: readonly string[], first: boolean) => Promise<Map<string, Row>>

/**
 * A row for each id. A batch that fails by what it holds is halved, down to single orders, so that one order that the panel cannot answer never
 * hides the others. Throws ProviderReadError when nothing at all could be read.
 */
export async function readByHalves<Row>(
  ids: readonly string[],
  ask: AskRows<Row>,
): Promise<Map<string, Row | FailedRow>> {
  const rows = new Map<string, Row | FailedRow>()
  const groups: (readonly string[])[] = [ids]
  let good = 0
  for (let calls = 1; ; calls++) {
    const group = groups.pop()
    if (!group) return rows
    try {
      for (const [id, row] of await ask(group, calls === 1)) rows.set(id, row)
      good += 1
    } catch (error) {
      if (!(error instanceof ProviderReadError)) throw error
      if (good === 0 && (isDown(error) || (calls >= FAILURES_MAX && error.reason !== 'refused'))) throw error
      if (isDown(error) || calls >= CALLS_MAX) {
        for (const id of [group, ...groups].flat()) rows.set(id, failedRow(error))
        return rows
      }
      const middle = Math.ceil(group.length / 2)
      if (group.length === 1) rows.set(group[0] as string, failedRow(error))
      else groups.push(group.slice(middle), group.slice(0, middle))
    }
  }
}

/** Whether the failure has nothing to do with which orders were asked for. */
function isDown(error: ProviderReadError): boolean {
  switch (error.reason) {
    case 'refused':
    case 'unreadable_answer':
    case 'server_error':
      return false
    default:
      return true
  }
}

/** An error is what the panel itself said; rubbish and crashes tell nothing of what was asked for. */
function failedRow({ reason, message }: ProviderReadError): FailedRow {
  const is_rubbish = reason === 'unreadable_answer' || reason === 'server_error'
  return { ok: false, reason: is_rubbish ? 'unreadable' : 'error', message }
}
