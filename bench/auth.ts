import { setTimeout as delay } from 'node:timers/promises'
import { type Authentication, openAuthentication } from '#server/domains/identity/authentication.ts'
import { createUser } from '#server/domains/identity/create-user.ts'
import { checkApiKey } from '#server/domains/identity/keys/check-api-key.ts'
import { checkSession } from '#server/domains/identity/sessions/check-session.ts'
import { digestOf, newApiKey, newSessionToken } from '#server/domains/identity/token.ts'
import { newSecret, newUuid } from '#server/kit/id.ts'
import { openSecrets } from '#server/platform/secrets/secrets.ts'
import { type Bench, type BenchContext, percentile, rounded } from './bench.ts'
import { startRole } from './product.ts'

/** As many as a busy house has in use at once. */
const CREDENTIALS = 10_000
const SECONDS = 5
const ROUNDS = 20
const IP = '192.0.2.1'
/** What the credentials in use may add to the heap while they are checked again and again. */
const HEAP_GROWTH_MB_MAX = 32
const REVOCATION_MS_MAX = 1_000

/** Checks of API keys and sessions on one process, and how soon a revocation is effective in two. */
export const authBench: Bench = {
  summary: 'API keys and sessions checked on one process; revocation effective in two',
  run: async (context) => {
    const { app, say } = context
    const authentication = await openAuthentication(app, await openSecrets(app.config))
    try {
      const user = await createUser(app, { email: 'bench@example.com', password: newSecret(18), role: 'customer' })
      const keys = await makeKeys(context, user.id)
      const sessions = await makeSessions(context, user.id)
      const digests_per_second = await rate(keys, async (key) => void digestOf(key))
      say('Checking API keys …')
      const by_key = await measured(keys, async (key) => assertHeld(await checkApiKey(authentication, key, IP)))
      say('Checking sessions …')
      const by_session = await measured(sessions, async (token) =>
        assertHeld(await checkSession(authentication, token)),
      )
      say('Revoking …')
      const revocation = await revocations(context, authentication, keys)
      return {
        credentials: CREDENTIALS,
        // One SHA-256 of a secret, which no check can do without.
        digests_per_second: rounded(digests_per_second),
        api_key_checks: { ...by_key, of_digests: rounded(by_key.per_second / digests_per_second) },
        session_checks: { ...by_session, of_digests: rounded(by_session.per_second / digests_per_second) },
        revocation,
      }
    } finally {
      await authentication.close()
    }
  },
}

async function makeKeys({ app }: BenchContext, user_id: bigint): Promise<string[]> {
  const keys = Array.from({ length: CREDENTIALS }, newApiKey)
  await app.db.query(
    `insert into identity.api_key (user_id, name, prefix, key_hash, scopes, created_at)
     select $1, 'bench', left(digest, 9), decode(digest, 'hex'), '{*}', now() from unnest($2::text[]) as digest`,
    [user_id, keys.map(digestOf)],
  )
  return keys
}

async function makeSessions({ app }: BenchContext, user_id: bigint): Promise<string[]> {
  const tokens = Array.from({ length: CREDENTIALS }, newSessionToken)
  await app.db.query(
    `insert into identity.session (user_id, token_hash, created_at, expires_at, last_seen_at)
     select $1, decode(digest, 'hex'), now(), now() + interval '1 day', now() from unnest($2::text[]) as digest`,
    [user_id, tokens.map(digestOf)],
  )
  return tokens
}

function assertHeld(outcome: object): void {
  if (outcome instanceof Error) throw outcome
}

async function measured(secrets: readonly string[], check: (secret: string) => Promise<void>) {
  // Everything is read once, in batches, and then in memory.
  await Promise.all(secrets.slice(0, 4_000).map(check))
  for (const secret of secrets) await check(secret)
  const before = heap_mb()
  const per_second = await rate(secrets, check)
  const heap_growth_mb = rounded(heap_mb() - before)
  if (heap_growth_mb > HEAP_GROWTH_MB_MAX) throw new Error(`the heap grew by ${heap_growth_mb} MB`)
  return { per_second: rounded(per_second), heap_growth_mb }
}

/** How often a second `check` is done, over all secrets in turn. */
async function rate(secrets: readonly string[], check: (secret: string) => Promise<void>): Promise<number> {
  const begin = performance.now()
  let done = 0
  while (performance.now() - begin < SECONDS * 1_000) {
    for (const secret of secrets) await check(secret)
    done += secrets.length
    // Notifications and the heartbeat come in between, as requests would let them.
    await delay(0)
  }
  return (done * 1_000) / (performance.now() - begin)
}

function heap_mb(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 1_048_576
}

/** Revokes keys by hand, one after another, and sees how long this process and another one go on to take each. */
async function revocations(context: BenchContext, authentication: Authentication, keys: readonly string[]) {
  const { app } = context
  const other = await startRole(context, 'api')
  try {
    const took: number[] = []
    for (const key of keys.slice(0, ROUNDS)) {
      const there = async () =>
        (await fetch(`${other.url}/api/v1/me`, { headers: { 'x-api-key': key, 'x-request-id': newUuid() } })).status
      if ((await there()) !== 200) throw new Error('the other process refuses a good key')
      assertHeld(await checkApiKey(authentication, key, IP))
      await app.db.query('update identity.api_key set revoked_at = now() where key_hash = $1', [
        Buffer.from(digestOf(key), 'hex'),
      ])
      const begin = performance.now()
      await Promise.all([
        until(async () => (await checkApiKey(authentication, key, IP)) instanceof Error),
        until(async () => (await there()) === 401),
      ])
      took.push(performance.now() - begin)
    }
    const sorted = took.toSorted((a, b) => a - b)
    const max_ms = rounded(sorted.at(-1) ?? 0)
    if (max_ms >= REVOCATION_MS_MAX) throw new Error(`a revocation took ${max_ms} ms to be effective everywhere`)
    return { rounds: ROUNDS, processes: 2, p50_ms: rounded(percentile(sorted, 0.5)), max_ms }
  } finally {
    await other.stop()
  }
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await delay(2)
}
