import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { tellUsers } from '#server/domains/notifications/messages/tell-users.ts'
import { sampleData } from '#server/domains/notifications/texts/kinds.ts'
import { newUuid } from '#server/kit/id.ts'
import { openMessageHouse } from '#test/support/messages.ts'

const KILLS = 8
const USERS = 30
const EACH = 10

test('a worker killed again and again while it sends loses no mail, and what comes twice has the same identity', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const password = newUuid()
  const users: bigint[] = []
  for (let i = 0; i < USERS; i++) {
    users.push((await createUser(app, { email: `${newUuid()}@example.com`, password, role: 'customer' })).id)
  }
  const data = sampleData('password_changed')
  const notices = users.flatMap((user_id) =>
    Array.from({ length: EACH }, (_, i) => ({
      key: `${user_id}:${i}`,
      user_id,
      kind: 'password_changed' as const,
      data,
    })),
  )
  await app.db.transaction((tx) => tellUsers(tx, app.clock.now(), notices))
  // Each mail takes a moment, so that a kill finds some under way.
  await house.mail.setFaults({ slow: { probability: 1, ms: 20 } })
  const sent = async () => (await house.messages()).filter((message) => message.state === 'sent').length
  for (let kill = 1; kill <= KILLS; kill++) {
    const wanted = Math.floor((USERS * EACH * kill) / (KILLS + 1))
    const worker = await startWorker(
      app.db.pool.options.connectionString ?? '',
      app.config.home,
      app.config.smtp_url ?? '',
    )
    await expect.poll(sent, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(wanted)
    worker.kill('SIGKILL')
    await once(worker, 'exit')
    // As if the time of its claims had passed.
    await app.db.query(
      `update notifications.message set claimed_until = now() - interval '1 second' where state = 'sending'`,
    )
  }
  await house.mail.setFaults({})
  house.startWork()
  await expect.poll(sent, { timeout: 60_000 }).toBe(USERS * EACH)
  const ids = (await house.mail.mails()).map((mail) => mail.message_id)
  expect(new Set(ids).size).toBe(USERS * EACH)
}, 240_000)

async function startWorker(url: string, home: string, smtp_url: string) {
  const worker = fork(join(import.meta.dirname, 'message-worker.ts'), [url, home, smtp_url], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  onTestFinished(() => void worker.kill('SIGKILL'))
  await once(worker, 'message')
  return worker
}
