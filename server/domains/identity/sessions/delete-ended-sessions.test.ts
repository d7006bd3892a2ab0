import { expect, test } from 'vitest'
import { aUser, identityApp } from '#test/support/identity.ts'
import { DELETE_SESSIONS_MAX, deleteEndedSessions } from './delete-ended-sessions.ts'

const INSERT = `
  insert into identity.session (token_hash, user_id, created_at, expires_at, last_seen_at, ended_at)
  select sha256((n::text || $2)::bytea), $1, now() - interval '90 days', now() + $3::interval, now(), now() + $4::interval
  from generate_series(1, $5) n`

test('sessions that ended or expired long ago are deleted, others stay', async () => {
  const app = await identityApp()
  const { id } = await aUser(app)
  await app.db.query(INSERT, [id, 'expired', '-31 days', null, 1])
  await app.db.query(INSERT, [id, 'ended', '1 day', '-31 days', 1])
  await app.db.query(INSERT, [id, 'expired lately', '-29 days', null, 1])
  await app.db.query(INSERT, [id, 'ended lately', '1 day', '-29 days', 1])
  await app.db.query(INSERT, [id, 'open', '1 day', null, 1])
  expect(await deleteEndedSessions(app)).toBe(2)
  expect(await deleteEndedSessions(app)).toBe(0)
})

test('one run deletes no more than its bound', async () => {
  const app = await identityApp()
  const { id } = await aUser(app)
  await app.db.query(INSERT, [id, 'expired', '-31 days', null, DELETE_SESSIONS_MAX + 1])
  expect(await deleteEndedSessions(app)).toBe(DELETE_SESSIONS_MAX)
  expect(await deleteEndedSessions(app)).toBe(1)
})
