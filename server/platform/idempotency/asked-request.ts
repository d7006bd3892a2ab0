/** A request under an Idempotency-Key. */
export interface AskedRequest {
  /** Whose keys these are, such as `user:7`. */
  readonly caller: string
  /** `POST /api/v1/api-keys`. */
  readonly route: string
  readonly key: string
  /** What is asked for, as a text that is the same exactly when the request is; see contentOf. */
  readonly content: string
}

/** The request as one text: the address with its query, and the body whatever the order of its fields. */
export function contentOf(method: string, url: string, body: unknown): string {
  return JSON.stringify([method, url, sorted(body)])
}

/** The value with the fields of its objects in the order of their names. Its depth is bounded by platform/http. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  // As pairs: an object would put names that look like numbers first, and take `__proto__` for something else.
  return { fields: fields.map(([name, field]) => [name, sorted(field)]) }
}
