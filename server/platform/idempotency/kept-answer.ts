import { type FieldError, ProblemError } from '../http/problem.ts'

/** What a request was answered: a body as it was sent, or a refusal. */
export type KeptAnswer =
  | { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string }
  | { readonly refusal: KeptRefusal }

interface KeptRefusal {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly type: string
  readonly detail: string | undefined
  readonly errors: readonly FieldError[]
  readonly extra: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
}

/** Refusals that speak of the moment and not of the request: asked again, it is carried out. */
const OF_THE_MOMENT = [408, 425, 429]

/** The refusal that a failure is and that a key keeps; undefined for what leaves the key free: our own failures, and refusals of the moment. */
export function refusalOf(error: unknown): KeptRefusal | undefined {
  if (!(error instanceof ProblemError) || error.status >= 500 || OF_THE_MOMENT.includes(error.status)) return undefined
  const { code, status, title, type, detail, errors, extra, headers } = error
  return { code, status, title, type, detail, errors, extra, headers }
}

/** A refusal that was given before, given again. */
export class RefusedBeforeError extends ProblemError {
  override name = 'RefusedBeforeError'

  constructor({ detail, ...refusal }: KeptRefusal, headers: Readonly<Record<string, string>>) {
    super({ ...refusal, ...(detail !== undefined && { detail }), headers: { ...refusal.headers, ...headers } })
  }
}
