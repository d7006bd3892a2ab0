import { expect, test } from 'vitest'
import { openMessageDoors } from '#test/support/message-doors.ts'
import { sampleData } from '../texts/kinds.ts'

interface Inbox {
  data: { id: string; title: string; read_at: string | null }[]
  unread: number
  next_cursor: string | null
  has_more: boolean
}

test('a user reads the inbox page by page, marks, and deletes; another’s is not there', async () => {
  const { house, person } = await openMessageDoors()
  const [ada, bob] = [await person(), await person()]
  for (let i = 0; i < 5; i++) await house.tell(ada.id, 'password_changed', sampleData('password_changed'))
  await house.tell(bob.id, 'totp_enabled', sampleData('totp_enabled'))
  const first = (await ada.ask('GET', '/api/v1/inbox?limit=3')) as { headers: Headers; body: Inbox }
  expect(first.body).toMatchObject({ unread: 5, has_more: true })
  expect(first.body.data).toHaveLength(3)
  const link = /<(.+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? ''
  const second = (await ada.ask('GET', link)).body as Inbox
  expect(second).toMatchObject({ has_more: false, next_cursor: null })
  const ids = [...first.body.data, ...second.data].map((message) => message.id)
  expect(new Set(ids).size).toBe(5)

  expect((await ada.ask('POST', `/api/v1/inbox/${ids[0]}/read`)).status).toBe(204)
  expect((await bob.ask('POST', `/api/v1/inbox/${ids[1]}/read`)).status).toBe(404)
  expect((await bob.ask('DELETE', `/api/v1/inbox/${ids[1]}`)).body).toMatchObject({ code: 'inbox_message_not_found' })
  expect((await ada.ask('DELETE', `/api/v1/inbox/${ids[4]}`)).status).toBe(204)
  expect((await ada.ask('GET', '/api/v1/inbox')).body).toMatchObject({ unread: 3 })
  const unread = (await ada.ask('GET', '/api/v1/inbox?unread=yes')).body as Inbox
  expect(unread.data.map((message) => message.id)).toEqual(ids.slice(1, 4))
})

test('what comes while all is marked as read stays unread', async () => {
  const { house, person } = await openMessageDoors()
  const ada = await person()
  await house.tell(ada.id, 'password_changed', sampleData('password_changed'))
  const [seen] = ((await ada.ask('GET', '/api/v1/inbox')).body as Inbox).data
  await house.tell(ada.id, 'totp_enabled', sampleData('totp_enabled'))
  expect((await ada.ask('POST', '/api/v1/inbox/read', { up_to: seen?.id })).status).toBe(204)
  const { unread, data } = (await ada.ask('GET', '/api/v1/inbox')).body as Inbox
  expect([unread, data[0]?.title]).toEqual([1, 'Two-step sign-in is on'])
})

test('bad input is refused by name, and an API key reads but changes nothing', async () => {
  const { house, person, ask, apiKey } = await openMessageDoors()
  const ada = await person()
  await house.tell(ada.id, 'password_changed', sampleData('password_changed'))
  for (const path of ['?limit=0', '?limit=101', '?unread=maybe', '?cursor=x']) {
    expect((await ada.ask('GET', `/api/v1/inbox${path}`)).status).toBe(400)
  }
  expect((await ada.ask('POST', '/api/v1/inbox/read', { up_to: '-1' })).body).toMatchObject({
    errors: [{ field: 'up_to' }],
  })
  expect((await ada.ask('POST', '/api/v1/inbox/99999999999999999999/read')).status).toBe(400)
  expect((await ask('GET', '/api/v1/inbox')).status).toBe(401)
  const byKey = await apiKey(ada.id)
  const { data } = (await byKey('GET', '/api/v1/inbox')).body as Inbox
  expect((await byKey('DELETE', `/api/v1/inbox/${data[0]?.id}`)).status).toBe(403)
  expect((await byKey('PUT', '/api/v1/message-preferences', {})).status).toBe(403)
})
