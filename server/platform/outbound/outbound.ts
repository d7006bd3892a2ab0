/** One call to the outside. Redirects are never followed. */
export interface OutboundRequest {
  url: string
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** From the start to the last byte of the answer. */
  timeout_ms: number
  /** An answer beyond this many bytes is cut off and is an error. */
  max_bytes: number
}

/** An answer, whatever its status. */
export interface OutboundResponse {
  status: number
  headers: Readonly<Record<string, string>>
  /** UTF-8, a byte order mark removed. */
  body: string
  duration_ms: number
}

export type OutboundFailure =
  | 'address_refused'
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'reset'
  | 'too_large'
  | 'aborted'

/**
 * No whole answer came. `sent` is false only when it is certain that the request did not leave: the address was refused, or the name, the connection or
 * the TLS handshake failed before a byte of the request was written. Everything else may have arrived and taken effect.
 */
export class OutboundError extends Error {
  override name = 'OutboundError'
  readonly failure: OutboundFailure
  readonly sent: boolean
  readonly duration_ms: number

  constructor(failure: OutboundFailure, sent: boolean, duration_ms: number, cause?: unknown) {
    super(`outbound call failed: ${failure}`, { cause })
    this.failure = failure
    this.sent = sent
    this.duration_ms = duration_ms
  }
}

/** Calls to the outside. Refuses (InvariantError) inside a database transaction. */
export interface Outbound {
  /** Throws OutboundError when no whole answer came. */
  call(request: OutboundRequest): Promise<OutboundResponse>
  close(): Promise<void>
}
