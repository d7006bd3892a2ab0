import type { Failure, FailureAnswer } from '#server/platform/http/failure.ts'
import { ERRORS, errorBody } from './refusals.ts'

/**
 * How the panels' form words what went wrong outside its actions. All is 200, as its clients expect, but for two cases that say more by their status: 429 when
 * nothing was begun and the request may be repeated, 500 when it is not known what was done.
 */
export function answerFailure(failure: Failure): FailureAnswer {
  const content_type = JSON_TYPE
  if (failure.unexpected) return { status: 500, content_type, body: errorBody(ERRORS.internal) }
  switch (failure.status) {
    case 429:
    case 503:
      return { status: 429, content_type, body: errorBody(ERRORS.too_many) }
    default:
      return { status: 200, content_type, body: errorBody(ERRORS.incorrect_request) }
  }
}

/** Every answer's content type. */
export const JSON_TYPE = 'application/json; charset=utf-8'
