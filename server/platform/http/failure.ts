import { STATUS_CODES } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type FieldError, ProblemError, problemType } from './problem.ts'

/** Any error as its caller may see it. */
export interface Failure {
  code: string
  status: number
  title: string
  type: string
  detail: string | undefined
  errors: readonly FieldError[]
  extra: Readonly<Record<string, unknown>>
  headers: Readonly<Record<string, string>>
  /** Nobody foresaw it: it is logged and counted, and its text stays inside. */
  unexpected: boolean
}

/** Fastify's own refusals, in our words. */
const REFUSALS: Readonly<Record<string, { status: number; code: string; title: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body_too_large', title: 'The body of the request is too large' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'unsupported_media_type',
    title: 'The content type is not taken here',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: {
    status: 400,
    code: 'malformed_json',
    title: 'The body is empty, but is said to be JSON',
  },
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, code: 'malformed_json', title: 'The body is not valid JSON' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'malformed_request',
    title: 'The body does not have the length that was said',
  },
  FST_ERR_BAD_URL: { status: 400, code: 'malformed_url', title: 'The address is not a valid URL' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, code: 'url_too_long', title: 'A part of the address is too long' },
}

/** What to tell about any thrown value. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ProblemError) return ofProblem(error)
  const { code, statusCode, message } = (error ?? {}) as { code?: unknown; statusCode?: unknown; message?: unknown }
  const refusal = REFUSALS[String(code)]
  if (refusal) return expected(refusal)
  // The connection broke while the body came in: nobody reads the answer.
  if (code === 'ECONNRESET' && statusCode === 400) {
    return expected({ status: 400, code: 'malformed_request', title: 'The request broke off' })
  }
  // Fastify's own plugins refuse by a status below 500.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    if (String(code).startsWith('FST_')) {
      const title = STATUS_CODES[statusCode] ?? 'The request is not valid'
      return { ...expected({ status: statusCode, code: 'refused', title }), detail: String(message) }
    }
  }
  return {
    ...expected({ status: 500, code: 'internal_error', title: 'The request failed for a reason on our side' }),
    detail: 'It has been recorded. Name the request_id when you ask about it.',
    unexpected: true,
  }
}

function expected(refusal: { status: number; code: string; title: string }): Failure {
  return {
    ...refusal,
    type: problemType(refusal.code),
    detail: undefined,
    errors: [],
    extra: {},
    headers: {},
    unexpected: false,
  }
}

function ofProblem(error: ProblemError): Failure {
  const headers: Record<string, string> = { ...error.headers }
  if ('retry_after_s' in error) headers['retry-after'] = String(Math.max(1, Math.ceil(Number(error.retry_after_s))))
  // RFC 9110, 11.6.1: a 401 names how to sign in.
  if (error.status === 401) headers['www-authenticate'] ??= 'Bearer realm="saldo"'
  const { code, status, title, type, detail, errors, extra } = error
  return { code, status, title, type, detail, errors, extra, headers, unexpected: false }
}

/** How a door words a failure. */
export interface FailureAnswer {
  status: number
  content_type: string
  body: string
}

/**
 * An error handler for a door: `app.setErrorHandler(errorHandler(answer))`. Unexpected failures are logged with their stack and
 * counted, whatever the door answers.
 */
export function errorHandler(answer: (failure: Failure, request: FastifyRequest) => FailureAnswer) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = failureOf(error)
    if (failure.unexpected) request.server.reportUnexpected(error, request)
    const { status, content_type, body } = answer(failure, request)
    // As bytes, so that no schema of the route is applied to a failure.
    void reply.code(status).headers(failure.headers).header('content-type', content_type).serializer(asIs).send(body)
  }
}

const asIs = (payload: unknown) => payload as string

/** RFC 9457, the form of every REST door. */
export function problemAnswer(failure: Failure, request: { id: string }): FailureAnswer {
  const { code, status, title, type, detail, errors, extra } = failure
  const body = JSON.stringify({
    ...extra,
    type,
    title,
    status,
    detail,
    code,
    request_id: request.id,
    errors: errors.length > 0 ? errors : undefined,
  })
  return { status, content_type: 'application/problem+json; charset=utf-8', body }
}
