import { expect, test } from 'vitest'
import type { CallOutcome } from '#server/domains/providers/provider.ts'
import { INTERRUPTED, isAwaited, replyOf } from './wish.ts'

const TRIES = { max: 3, backoff: { base_ms: 2_000, max_ms: 180_000 } }
const REFUSED: CallOutcome = { outcome: 'rejected', code: 'other', message: 'no' }

test('only what did not leave the house, or was not listened to, is sent again, and not for ever', () => {
  const now = new Date()
  const rejected = (code: 'not_sent' | 'invalid_key' | 'rate_limited' | 'other', attempts = 1) =>
    replyOf({ outcome: 'rejected', code, message: 'no' }, attempts, TRIES, now)
  for (const code of ['not_sent', 'invalid_key', 'rate_limited'] as const) {
    const again = rejected(code)
    expect(again).toMatchObject({ kind: 'again', code, message: 'no' })
    expect(again.kind === 'again' && again.next_try_at > now).toBe(true)
    expect(rejected(code, 2)).toMatchObject({ kind: 'again' })
    expect(rejected(code, 3)).toEqual({ kind: 'unheard', code, message: 'no' })
  }
  expect(rejected('other')).toEqual({ kind: 'refused', code: 'other', message: 'no' })
  expect(replyOf({ outcome: 'unknown', reason: 'timeout', message: '' }, 1, TRIES, now)).toEqual({
    kind: 'unknown',
    code: 'timeout',
    message: null,
  })
  expect(replyOf({ outcome: 'accepted' }, 9, TRIES, now)).toMatchObject({ kind: 'accepted', code: null })
  expect(replyOf({ ...REFUSED, message: 'x'.repeat(600) }, 1, TRIES, now).message).toHaveLength(500)
})

test('an answer counts for the sending that it answers, late too, until that has another end', () => {
  const wish = (state: string, code: string | null = null, attempts = 2) => ({ state, code, attempts })
  expect(isAwaited(wish('sent'), { attempts: 2 }, REFUSED)).toBe(true)
  expect(isAwaited(wish('sent'), { attempts: 2 }, INTERRUPTED)).toBe(true)
  expect(isAwaited(wish('unknown', 'interrupted'), { attempts: 2 }, REFUSED)).toBe(true)
  // Sent anew, answered, given up once more, or looked into since.
  expect(isAwaited(wish('sent', null, 3), { attempts: 2 }, REFUSED)).toBe(false)
  expect(isAwaited(wish('unknown', 'interrupted'), { attempts: 2 }, INTERRUPTED)).toBe(false)
  expect(isAwaited(wish('unknown', 'timeout'), { attempts: 2 }, REFUSED)).toBe(false)
  for (const state of ['asked', 'accepted', 'refused', 'dropped', 'pending', 'completed']) {
    expect(isAwaited(wish(state), { attempts: 2 }, REFUSED)).toBe(false)
  }
})
