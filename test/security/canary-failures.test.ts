import { expect, onTestFinished, test } from 'vitest'
import { alertHouseChat, alertHouseEmail } from '#server/domains/notifications/alerts/settings.ts'
import { settleAlerts } from '#server/domains/notifications/alerts/settle-alerts.ts'
import { watchHouse } from '#server/domains/notifications/alerts/watch-house.ts'
import { verifyBooks } from '#server/domains/orders/verify-books.ts'
import { watchProviders } from '#server/domains/providers/watch-providers.ts'
import { InvariantError } from '#server/kit/invariant.ts'
import { listDeadLetters } from '#server/platform/jobs/dead-letters.ts'
import type { JobDefinition } from '#server/platform/jobs/jobs.ts'
import { startJobRunner } from '#server/platform/jobs/runner.ts'
import { eventAttempts, eventRetryBase } from '#server/platform/outbox/event-settings.ts'
import { QUEUE_REPORTERS } from '#server/roles/queue-reporters.ts'
import { putSetting } from '#test/support/settings.ts'
import { found } from './canary.ts'
import { type House, openHouse } from './house.ts'
import { anAdministrator, expectStatus, lookAtEverything } from './people.ts'

/** Stands beside the secrets in every error: where it is found, they would be. */
const MARK = 'beside-the-secrets'

const HOUSE_EMAIL = 'desk@example.com'
const HOUSE_CHAT = 4711

test('what is given up while its error is full of secrets tells none of them, and neither do the alerts that follow', {
  timeout: 180_000,
}, async () => {
  const house = await openHouse()
  const staff = await anAdministrator(house)
  const careless = await aCarelessError(house, staff)
  await alertsGoOutside(house)
  await aJobIsGivenUp(house, careless)
  await anEventIsGivenUp(house, careless, staff.token)
  await aProviderQuotesItsKey(house, staff.token)
  await staffAreAlarmed(house, staff.email)
  await lookAtEverything(house, staff.token)
  const traces = await house.traces()
  const seen = found([{ kind: 'mark', secret: MARK }], traces)
  expect(seen).toEqual(expect.arrayContaining(PLACES.map((place) => `mark in ${place}`)))
  expect(found(house.canaries, traces)).toEqual([])
})

/** Where a failure leaves its words. */
const PLACES = [
  ...['log', 'Sentry', 'mail', 'Telegram'],
  ...['graphile_worker._private_jobs', 'platform.outbox', 'platform.dead_letter', 'platform.failure', 'audit.act'],
  ...['notifications.alert', 'notifications.message', 'notifications.inbox'],
  ...['/queues/dead-letters', '/queues/dead-letters/{id}', '/logs/critical-errors', '/logs/critical-errors/{id}'].map(
    (path) => `GET /api/admin${path.replace('{id}', '1')} 200`,
  ),
  ...['/api/admin/alerts', '/api/admin/audit', '/api/v1/inbox'].map((path) => `GET ${path} 200`),
]

/** As one who quotes all that was sent and answered, each secret in the forms in which it goes over the wire. */
async function aCarelessError(house: House, { password, token }: { password: string; token: string }): Promise<string> {
  const made = await expectStatus(201, house.ask('POST', '/api/v1/api-keys', { by: token, body: { name: 'shop' } }))
  const api_key = house.secret({ kind: 'API key', secret: made.body.key }, made)
  const own = (kind: string) => house.canaries.find((canary) => canary.kind === kind)?.secret ?? kind
  const login = { email: 'ann@example.com', password }
  return [
    `${MARK}: no place for ${token} nor for ${api_key}`,
    `GET /api/v2?key=${own('key of a provider')}&action=balance`,
    JSON.stringify(login),
    JSON.stringify({ request: JSON.stringify({ ...login, secret: own('secret of the captcha') }) }),
    `authorization: Bearer ${own('master key')}`,
    `smtp://house:${own('password of the mail server')}@mail.example.com`,
    `postgres://saldo:${own('password of the database')}@db.example.com/saldo`,
    `POST https://api.telegram.example/bot${own('token of the Telegram bot')}/sendMessage`,
  ].join('\n')
}

async function alertsGoOutside({ app, telegram }: House): Promise<void> {
  await telegram.say(HOUSE_CHAT, 'hello')
  await putSetting(app.db, alertHouseEmail, HOUSE_EMAIL)
  await putSetting(app.db, alertHouseChat, String(HOUSE_CHAT))
  await putSetting(app.db, eventAttempts, 2)
  await putSetting(app.db, eventRetryBase, 100)
  await app.settings.refresh()
}

/** Its payload may hold no secret at all; its error, kept between the two tries and in the letter, says them all. */
async function aJobIsGivenUp({ app }: House, careless: string): Promise<void> {
  const work: JobDefinition<unknown> = {
    name: 'test.careless',
    attempts: 2,
    parse: (payload) => payload,
    run: async () => {
      throw new Error(careless, { cause: new TypeError(careless) })
    },
  }
  const enqueue = (payload: unknown) => app.db.transaction(async (tx) => app.jobs.enqueue(tx, work, payload))
  await expect(enqueue({ text: careless })).rejects.toThrow(
    new InvariantError('a secret stands in the payload of job test.careless'),
  )
  const runner = startJobRunner(app, [work], { poll_ms: 20 })
  onTestFinished(() => runner.stop())
  await enqueue({ text: MARK })
  const waiting = 'select from graphile_worker.jobs where last_error is not null and locked_at is null'
  await expect.poll(() => app.db.query(waiting), { timeout: 30_000 }).toHaveLength(1)
  await app.db.query('select graphile_worker.reschedule_jobs(array(select id from graphile_worker.jobs), now())')
  await expect.poll(() => listDeadLetters(app.db), { timeout: 30_000 }).toHaveLength(1)
}

/** The proof of the books fails with all the secrets, and so does the subscriber who is told of it; once he can, staff have the event put back. */
async function anEventIsGivenUp(house: House, careless: string, by: string): Promise<void> {
  const { db } = house.app
  const quoted = careless.replaceAll("'", "''")
  const raise = `begin raise exception using message = '${quoted}', detail = '${quoted}', hint = '${quoted}'; end`
  await db.query(`
    alter table ledger.reversal rename to reversal_there;
    create function ledger.careless_rows() returns setof ledger.reversal_there language plpgsql as $$ ${raise} $$;
    create view ledger.reversal as select * from ledger.careless_rows();
    create function notifications.careless() returns trigger language plpgsql as $$ ${raise} $$;
    create trigger careless before insert on notifications.alert for each row execute function notifications.careless()`)
  await verifyBooks(house.app)
  await expect.poll(() => listDeadLetters(db), { timeout: 30_000 }).toHaveLength(2)
  await db.query(`
    drop view ledger.reversal;
    alter table ledger.reversal_there rename to reversal;
    drop trigger careless on notifications.alert`)
  const [letter] = await listDeadLetters(db)
  const path = `/api/admin/queues/dead-letters/${letter?.id}/replay`
  await expectStatus(200, house.ask('POST', path, { by, body: { reason: careless.split('\n')[0] } }))
  await expect.poll(() => db.query('select from notifications.alert'), { timeout: 30_000 }).toHaveLength(1)
}

/** Staff ask for its balance; why it is down is told by its own words. */
async function aProviderQuotesItsKey(house: House, by: string): Promise<void> {
  const added = await house.command('add-provider', MARK, house.panel_url, `--key=${house.panel_key}`)
  expect(added.code).toBe(0)
  await house.panel.setFaults({ key_quoted: 1 })
  await expectStatus(200, house.ask('POST', '/api/providers/check-balance', { by, body: {} }))
  await watchProviders(house.app)
  const down = `select from notifications.alert where kind = 'alert_provider_down' and data ->> 'reason' like 'Invalid API key:%'`
  await expect.poll(() => house.app.db.query(down), { timeout: 30_000 }).toHaveLength(1)
}

/** What is wrong has lasted, and is told by every way. */
async function staffAreAlarmed({ app, mail, telegram }: House, email: string): Promise<void> {
  const kinds = async () => {
    // What failed is written down a moment later than it fails.
    await watchHouse(app, QUEUE_REPORTERS)
    return (await app.db.query<{ kind: string }>('select distinct kind from notifications.alert')).map(
      ({ kind }) => kind,
    )
  }
  const alarms = ['alert_ledger_unproven', 'alert_critical_error', 'alert_dead_letters']
  await expect.poll(kinds, { timeout: 30_000 }).toEqual(expect.arrayContaining(alarms))
  await app.db.query(`update notifications.alert set next_tell_at = now() - interval '1 second'`)
  await settleAlerts(app)
  for (const to of [email, HOUSE_EMAIL]) {
    const texts = async () => (await mail.mails({ to })).map(({ text }) => text).join()
    await expect.poll(texts, { timeout: 30_000 }).toContain(MARK)
  }
  await telegram.waitFor({ chat: HOUSE_CHAT, text: MARK, timeout_ms: 30_000 })
}
