import { expect, test } from 'vitest'
import { testApp } from '#test/support/app.ts'
import { putSetting } from '#test/support/settings.ts'
import { answersKeptHours, sweepAnswers } from './sweep-answers.ts'

const INSERT = `
  insert into platform.idempotent_request (caller, route, key, content, at)
  select 'user:1', 'POST /a', $1 || n, sha256(''), now() - make_interval(hours => $2) from generate_series(1, $3) n`

test('answers are kept for as long as the setting says, and then go, however many there are', async () => {
  const app = await testApp()
  await app.db.query(INSERT, ['old', 49, 10_001])
  await app.db.query(INSERT, ['day', 47, 2])
  expect(await sweepAnswers(app)).toBe(10_001)
  expect(await sweepAnswers(app)).toBe(0)
  await putSetting(app.db, answersKeptHours, 24)
  await app.settings.refresh()
  expect(await sweepAnswers(app)).toBe(2)
})
