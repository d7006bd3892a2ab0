import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { newUuid } from '#server/kit/id.ts'
import { problemType } from './problem.ts'

/** What Node refuses before there is a request. */
const REFUSALS: Readonly<Record<string, { status: number; code: string; title: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'headers_too_large', title: 'The address and headers are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'request_timeout', title: 'The request did not arrive in time' },
}

const MALFORMED = { status: 400, code: 'malformed_request', title: 'This is not valid HTTP' }

/** Answers what is no readable HTTP request with a problem, and closes the connection. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // An answer that has begun must not be followed by another in its midst.
  const current = (socket as Socket & { _httpMessage?: { headersSent: boolean } })._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable || current?.headersSent) {
    socket.destroy()
    return
  }
  const { status, code, title } = REFUSALS[error.code ?? ''] ?? MALFORMED
  const body = JSON.stringify({ type: problemType(code), title, status, code, request_id: newUuid() })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
