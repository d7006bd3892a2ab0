import { expect, test } from 'vitest'
import { openMessageDoors } from '#test/support/message-doors.ts'
import { sampleData } from '../texts/kinds.ts'

const PATH = '/api/admin/messages/templates/balance_adjusted'
const OURS = { title: 'Your balance was adjusted: {{amount}}' }

interface Detail {
  texts: { en: { title: string } }
  versions: { en: number }
  history: { version: number; texts: unknown; edited_by: string }[]
}

test('staff see a text, try it, change it, and the next message says so; resetting brings ours back', async () => {
  const { house, person } = await openMessageDoors()
  const [admin, ada] = [await person('administrator'), await person()]
  house.startWork()
  expect((await admin.ask('GET', PATH)).body).toMatchObject({
    variables: { amount: 'money' },
    texts: { en: OURS },
    versions: { en: 0 },
  })
  const texts = { title: 'News: {{amount}}', body: 'For {{reason}}.\n\n<b>not bold</b>' }
  const preview = (await admin.ask('POST', `${PATH}/preview`, { locale: 'en', texts })).body as Record<string, string>
  expect(preview).toMatchObject({ subject: 'News: $25.50', telegram: expect.stringContaining('<b>News: $25.50</b>') })
  expect(preview.html).toContain('&lt;b&gt;not bold&lt;/b&gt;')
  expect(preview.text).toContain('Sandbox: no real money')
  const saved = (await admin.ask('PUT', `${PATH}/en`, { texts, version: 0 })).body as Detail
  expect(saved).toMatchObject({ versions: { en: 1 }, history: [{ version: 1, texts, edited_by: String(admin.id) }] })
  await house.tell(ada.id, 'balance_adjusted', { ...sampleData('balance_adjusted'), reason: 'a <i>gift</i>' })
  const mail = await house.mail.waitFor({ to: ada.email })
  expect(mail.subject).toBe('News: $25.50')
  expect(mail.html).toContain('For a &lt;i&gt;gift&lt;/i&gt;.')
  expect(await house.app.db.query('select title from notifications.inbox')).toEqual([{ title: 'News: $25.50' }])
  expect((await admin.ask('DELETE', `${PATH}/en`)).body).toMatchObject({
    texts: { en: OURS },
    versions: { en: 2 },
    changed: [],
  })
  expect(((await admin.ask('GET', PATH)).body as Detail).history).toHaveLength(2)
  const acts = await house.app.db.query(
    `select action, subject_id from audit.act where action like 'messages.template%' order by id`,
  )
  expect(acts).toEqual([
    { action: 'messages.template_edited', subject_id: 'balance_adjusted:en' },
    { action: 'messages.template_reset', subject_id: 'balance_adjusted:en' },
  ])
})

test('a change made on an old version is refused, and of two at once one is', async () => {
  const { person } = await openMessageDoors()
  const admin = await person('administrator')
  const put = (title: string, version?: number) =>
    admin.ask('PUT', `${PATH}/ru`, { texts: { title, body: 'б' }, ...(version !== undefined && { version }) })
  const both = await Promise.all([put('первый', 0), put('второй', 0)])
  expect(both.map((answer) => answer.status).sort()).toEqual([200, 409])
  expect((await put('третий', 0)).body).toMatchObject({ code: 'template_changed', version: 1 })
  expect((await put('третий', 1)).status).toBe(200)
})

test('every way to put more than words into a text is refused, and names the field', async () => {
  const { person } = await openMessageDoors()
  const admin = await person('administrator')
  const put = async (texts: object) =>
    (await admin.ask('PUT', `${PATH}/en`, { texts: { title: 'T', body: 'B', ...texts } })).body
  const refused = [
    [{ body: '{{password}}' }, 'texts.body'],
    [{ body: '{{amount.constructor}}' }, 'texts.body'],
    [{ body: '{{{amount}}}' }, 'texts.body'],
    [{ body: '{% include x %}' }, 'texts.body'],
    [{ title: 'a\nBcc: x' }, 'texts.title'],
    [{ title: '' }, 'texts.title'],
    [{ action: 'Press' }, 'texts.action'],
    [{ title: { by: 'amount', one: 'a', other: 'b' } }, 'texts.title'],
    [{ html: '<b>' }, 'texts.html'],
  ] as const
  for (const [texts, field] of refused) {
    expect({ texts, answer: await put(texts) }).toMatchObject({
      answer: { code: 'invalid_request', errors: [{ field }] },
    })
  }
  expect(
    (await admin.ask('PUT', '/api/admin/messages/templates/constructor/en', { texts: { title: 'T', body: 'B' } }))
      .status,
  ).toBe(404)
})

test('texts and messages are for staff who may', async () => {
  const { person, ask } = await openMessageDoors()
  const ada = await person()
  for (const path of [PATH, '/api/admin/messages/templates', '/api/admin/messages']) {
    expect([401, 403]).toContain((await ada.ask('GET', path)).status)
    expect((await ask('GET', path)).status).toBe(401)
  }
})

test('staff find what was given up, and send it once more', async () => {
  const { house, person } = await openMessageDoors()
  const [admin, ada] = [await person('administrator'), await person()]
  await house.mail.setFaults({ refuse_rcpt: { limit: 1 } })
  house.startWork()
  await house.tell(ada.id, 'balance_adjusted', sampleData('balance_adjusted'))
  await house.waitForState('dead')
  const { data } = (await admin.ask('GET', `/api/admin/messages?state=dead&user_id=${ada.id}`)).body as {
    data: { id: string; reason: string }[]
  }
  expect(data).toMatchObject([{ reason: 'refused:550', reply: expect.stringContaining('No such mailbox') }])
  const again = () => admin.ask('POST', `/api/admin/messages/${data[0]?.id}/resend`)
  expect((await again()).body).toMatchObject({ state: 'waiting', attempts: 0 })
  await house.mail.waitFor({ to: ada.email })
  expect((await admin.ask('POST', '/api/admin/messages/999/resend')).status).toBe(404)
})
