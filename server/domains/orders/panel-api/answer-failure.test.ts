import { expect, test } from 'vitest'
import { BusyError } from '#server/domains/identity/errors.ts'
import { failureOf } from '#server/platform/http/failure.ts'
import { InvalidRequestError, UnavailableError } from '#server/platform/http/problem.ts'
import { RateLimitedError } from '#server/platform/limits/errors.ts'
import { answerFailure } from './answer-failure.ts'

test.each([
  [new BusyError(), 429, 'Rate limit exceeded'],
  [new UnavailableError('Too many requests at once.'), 429, 'Rate limit exceeded'],
  [new RateLimitedError(['reading-per-key'], 7), 429, 'Rate limit exceeded'],
  [new InvalidRequestError([{ field: 'link', reason: 'is odd' }]), 200, 'Incorrect request'],
  [Object.assign(new Error('too large'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE' }), 200, 'Incorrect request'],
  // The connection may have broken during a commit: a client must not take this for a refusal.
  [new Error('anything unforeseen'), 500, 'Internal error'],
])('%s is answered with %i and "%s"', (error, status, text) => {
  const answer = answerFailure(failureOf(error))
  expect(answer).toEqual({
    status,
    content_type: 'application/json; charset=utf-8',
    body: JSON.stringify({ error: text }),
  })
})
