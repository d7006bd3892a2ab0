import { invariant, present } from '#server/kit/invariant.ts'
import type { App } from '../app.ts'
import { isLockTimeout, statement, type Tx } from '../db/database.ts'
import { SecretError, type Secrets } from '../secrets/secrets.ts'
import type { AskedRequest } from './asked-request.ts'
import { AnswerLostError, IdempotencyKeyInFlightError, IdempotencyKeyReusedError } from './errors.ts'
import type { KeptAnswer } from './kept-answer.ts'
import { refusalOf } from './kept-answer.ts'

/** How long a request waits for its twin. Each that waits holds a connection; longer, and a client that repeats in haste takes them all. */
const TWIN_WAIT_MS = 1_000

/** Hundreds of orders in one answer, with room. Also about the column's own limit. */
const ANSWER_CHARS_MAX = 300_000

const WAIT = statement(`set local lock_timeout = ${TWIN_WAIT_MS}`)
const WAIT_AS_BEFORE = statement('set local lock_timeout to default')

// A twin waits here for the one that came first, and finds its row when that has committed, or claims the key when it has not.
const CLAIM = statement(`
  insert into platform.idempotent_request (caller, route, key, content) values ($1, $2, $3, $4)
  on conflict do nothing returning true as claimed`)

const READ = statement(`
  select content, answer as ciphertext, answer_key_id as key_id from platform.idempotent_request
  where caller = $1 and route = $2 and key = $3`)

const KEEP = statement(`
  update platform.idempotent_request set answer = $4, answer_key_id = $5 where caller = $1 and route = $2 and key = $3`)

interface KnownRequest {
  content: Buffer
  ciphertext: Buffer
  key_id: string
}

/** What came of a request: answered now, refused now (`error`), or as it was answered before. */
export type Outcome =
  | { how: 'now'; answer: KeptAnswer }
  | { how: 'refused'; error: unknown }
  | { how: 'before'; answer: KeptAnswer }

/**
 * Carries `work` out once under the request's key. In one transaction: the key is claimed, `work` does what it does on `tx`, its answer is kept. So either all of it
 * is there or nothing, whatever dies in between. A refusal (a problem below 500, but for those of the moment) takes back what `work` wrote and
 * is kept like an answer; any other failure leaves the key free and comes out. Throws IdempotencyKeyReusedError, IdempotencyKeyInFlightError
 * when the first under the key takes longer than TWIN_WAIT_MS, AnswerLostError.
 */
export async function carryOutOnce(
  { db, secrets }: Pick<App, 'db'> & { secrets: Secrets },
  request: AskedRequest,
  work: (tx: Tx) => Promise<KeptAnswer>,
): Promise<Outcome> {
  const name = [request.caller, request.route, request.key]
  const content = secrets.mac(request.content, 'idempotent request')
  const context = `platform.idempotent_request:${JSON.stringify(name)}`
  let claiming = true
  const attempt = db.transaction(async (tx): Promise<Outcome> => {
    claiming = true
    tx.send(WAIT)
    const claimed = await tx.query(CLAIM, [...name, content])
    tx.send(WAIT_AS_BEFORE)
    claiming = false
    if (claimed.length === 0) return { how: 'before', answer: await answerBefore(tx) }
    const outcome = await outcomeOf(tx, work)
    const answer = outcome.how === 'now' ? outcome.answer : { refusal: present(refusalOf(outcome.error), 'a refusal') }
    const text = JSON.stringify(answer)
    invariant(text.length <= ANSWER_CHARS_MAX, `the answer of ${request.route} exceeds ${ANSWER_CHARS_MAX} characters`)
    const sealed = secrets.seal(text, context)
    tx.send(KEEP, [...name, sealed.ciphertext, sealed.key_id])
    return outcome
  })

  async function answerBefore(tx: Tx): Promise<KeptAnswer> {
    const [known] = await tx.query<KnownRequest>(READ, name)
    // Swept in this very moment: whoever repeats it now begins anew.
    if (!known) throw new IdempotencyKeyInFlightError()
    if (!content.equals(known.content)) throw new IdempotencyKeyReusedError()
    return opened(secrets, known, context)
  }

  return attempt.catch((error: unknown) => {
    throw claiming && isLockTimeout(error) ? new IdempotencyKeyInFlightError() : error
  })
}

async function outcomeOf(tx: Tx, work: (tx: Tx) => Promise<KeptAnswer>): Promise<Exclude<Outcome, { how: 'before' }>> {
  try {
    return { how: 'now', answer: await tx.part(work) }
  } catch (error) {
    if (refusalOf(error) === undefined) throw error
    return { how: 'refused', error }
  }
}

function opened(secrets: Secrets, known: KnownRequest, context: string): KeptAnswer {
  try {
    return JSON.parse(secrets.open(known, context)) as KeptAnswer
  } catch (error) {
    throw error instanceof SecretError ? new AnswerLostError(error) : error
  }
}
