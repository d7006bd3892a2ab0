import { expect, test } from 'vitest'
import { askDeposit } from '#server/domains/payments/deposits/ask-deposit.ts'
import { cancelDeposit } from '#server/domains/payments/deposits/cancel-deposit.ts'
import { decideDeposit } from '#server/domains/payments/deposits/decide-deposit.ts'
import { expireDeposits } from '#server/domains/payments/deposits/expire-deposits.ts'
import { publishFresh } from '#server/platform/outbox/publish-events.ts'
import { editorFor, TERMINAL } from '#test/support/editors.ts'
import { openMessageHouse } from '#test/support/messages.ts'
import { messageSubscriptions } from './subscriptions.ts'

const EIGHT_DAYS_MS = 8 * 86_400_000

test('who asked for a deposit is told what became of it by inbox, mail and Telegram, once, in their language, and not what they did themselves', async () => {
  const house = await openMessageHouse()
  const { app } = house
  const [ada, boris] = [await house.user(), await house.user('ru')]
  await house.linkChat(ada.id, 42)
  const ask = async (user_id: bigint, reference: string) => {
    const input = { user_id, amount: 50_000_000n, method: 'bank_transfer', reference }
    return (await askDeposit(app, await editorFor(app, user_id), input)).id
  }
  const [whole, corrected, cancelled] = [await ask(ada.id, 'A1'), await ask(ada.id, 'A2'), await ask(ada.id, 'A3')]
  await decideDeposit(app, TERMINAL, { id: whole, verdict: 'approve' })
  await decideDeposit(app, TERMINAL, { id: corrected, verdict: 'approve', amount: 48_000_000n, reason: 'A fee.' })
  await cancelDeposit(app, await editorFor(app, ada.id), { id: cancelled, user_id: ada.id })
  await decideDeposit(app, TERMINAL, { id: await ask(boris.id, 'B1'), verdict: 'refuse', reason: 'Не найдено <b>.' })
  await ask(boris.id, 'B2')
  house.pass(EIGHT_DAYS_MS)
  await expireDeposits(app)
  while (await publishFresh(app, messageSubscriptions));
  house.startWork()
  const inbox = await app.db.query<{ user_id: bigint; title: string; body: string }>(
    'select user_id, title, body from notifications.inbox order by id',
  )
  expect(inbox.map(({ user_id, title }) => [user_id, title.replace(/[\u00a0\u202f]/g, ' ')])).toEqual([
    [ada.id, 'Your deposit is on your balance: $50.00'],
    [ada.id, 'Your deposit is on your balance: $48.00'],
    [boris.id, 'Пополнение на 50,00 $ отклонено'],
    [boris.id, 'Срок заявки на 50,00 $ истёк'],
  ])
  expect(inbox[1]?.body).toContain('You had named $50.00.\n\nReason: A fee.')
  expect(inbox[2]?.body).toContain('Причина: Не найдено <b>.')
  const mail = await house.mail.waitFor({ to: boris.email, subject: 'отклонено' })
  expect(mail.subject).toContain('отклонено')
  expect((await house.telegram.waitFor({ chat: 42, text: '48.00' })).text).toContain('A fee.')
})
