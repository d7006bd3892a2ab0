import { expect, test } from 'vitest'
import { askAdjustment } from '#server/domains/payments/adjustments/ask-adjustment.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { TERMINAL } from '#test/support/editors.ts'
import { openMessageHouse } from '#test/support/messages.ts'
import { setPreferences } from '../preferences/set-preferences.ts'
import { messageSubscriptions } from './subscriptions.ts'

test('whose balance was put right is told by inbox and mail, in their language, once, and only when they want it', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const [ada, boris, silent] = [await house.user(), await house.user('ru'), await house.user()]
  const choices = (['email', 'inbox'] as const).map((channel) => ({
    topic: 'balance' as const,
    channel,
    frequency: 'never' as const,
  }))
  const by = { now: app.clock.now(), actor: TERMINAL.actor }
  await app.db.transaction((tx) => setPreferences(tx, silent.id, { choices }, by))
  const give = (user_id: bigint, amount: bigint) =>
    askAdjustment(app, TERMINAL, { user_id, amount, reason: 'Goodwill <b>.' })
  await give(ada.id, 1_500_000n)
  await give(boris.id, 2_000_000n)
  await give(boris.id, -500_000n)
  await give(silent.id, 1_000_000n)
  while (await publishFresh(app, messageSubscriptions));
  house.startWork()
  expect((await house.mail.waitFor({ to: ada.email })).subject).toBe('Your balance was adjusted: $1.50')
  const [, second] = (await house.waitForState('sent', 3)).filter((message) => message.user_id !== ada.id)
  expect(second).toBeDefined()
  const inbox = await app.db.query<{ user_id: bigint; title: string; body: string }>(
    'select user_id, title, body from notifications.inbox order by id',
  )
  expect(inbox.map(({ user_id, title }) => [user_id, title.replace(/[\u00a0\u202f]/g, ' ')])).toEqual([
    [ada.id, expect.stringContaining('$1.50')],
    [boris.id, 'Баланс изменён: 2,00 $'],
    [boris.id, 'Баланс изменён: -0,50 $'],
  ])
  expect(inbox[0]?.body).toContain('Goodwill <b>.')
  expect(await house.mail.mails({ to: silent.email })).toEqual([])
})
