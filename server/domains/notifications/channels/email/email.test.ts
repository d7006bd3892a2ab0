import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { expect, onTestFinished, test } from 'vitest'
import { mailControlOf } from '#sandbox/mail/client.ts'
import { startMailCatcher } from '#sandbox/mail/start-mail-catcher.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { openEmail } from './open-email.ts'
import { type Mail, writeMail } from './write-mail.ts'

function mail(title: string, body: string, more: Partial<Mail> = {}): Mail {
  return {
    id: 7n,
    from: 'Saldo <house@example.com>',
    to: 'ada@example.com',
    locale: 'en',
    written: { title, body, action: undefined },
    sandbox: false,
    date: new Date('2026-01-31T12:00:00Z'),
    ...more,
  }
}

async function parsed(of: Mail) {
  const { raw } = await writeMail(of)
  return { raw: raw.toString('utf8'), email: await PostalMime.parse(raw) }
}

test('a mail has text and HTML, an identity that stays the same, and says that a machine wrote it', async () => {
  const { email, raw } = await parsed(
    mail('Привет', 'Первый\nабзац\n\nвторой', { unsubscribe_url: 'https://x.example/u' }),
  )
  expect(email).toMatchObject({ subject: 'Привет', messageId: '<message.7@example.com>' })
  expect(email.text).toContain('Первый\nабзац\n\nвторой')
  expect(email.html).toContain('Первый<br>абзац</p>')
  const header = (key: string) => email.headers.find((each) => each.key === key)?.value
  expect([header('auto-submitted'), header('list-unsubscribe')]).toEqual(['auto-generated', '<https://x.example/u>'])
  expect(raw.split('\r\n').every((line) => line.length <= 998)).toBe(true)
})

test('no text adds a header, a recipient, a tag or a script, whatever it contains', async () => {
  const hostile = [
    'x\r\nBcc: eve@example.com\r\n\r\nbody',
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "javascript:alert('x')",
    '</title></head><body onload=x>',
  ]
  const known = [
    'from',
    'to',
    'subject',
    'date',
    'message-id',
    'auto-submitted',
    'content-language',
    'mime-version',
    'content-type',
  ]
  const check = async (text: string) => {
    const { email } = await parsed(mail(text, text, { link: `https://x.example/#${encodeURIComponent(text)}` }))
    expect(email.headers.map((each) => each.key).filter((key) => !known.includes(key))).toEqual([])
    expect(email.to).toEqual([{ address: 'ada@example.com', name: '' }])
    expect(email.bcc).toBeUndefined()
    const html = email.html ?? ''
    expect(html.match(/<(script|img|iframe|form|object|embed|svg)\b/i)).toBeNull()
    // Every tag is one of ours, and no attribute of it came from the text.
    const tags = new Set([...html.matchAll(/<\/?([a-z0-9]+)/gi)].map((match) => match[1]?.toLowerCase()))
    expect(
      [...tags].filter(
        (tag) => !['html', 'head', 'meta', 'title', 'body', 'div', 'h1', 'p', 'br', 'a'].includes(tag ?? ''),
      ),
    ).toEqual([])
    expect(html).not.toMatch(/<[a-z][^>]*\son\w+=/i)
  }
  for (const text of hostile) await check(text)
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), check), { numRuns: 50 })
})

test('each way a server can answer has its meaning', async () => {
  const catcher = await startMailCatcher()
  onTestFinished(() => catcher.close())
  const control = mailControlOf(catcher.url)
  const email = openEmail(catcher.smtp_url, 1_500)
  onTestFinished(() => email.close())
  const letter = await writeMail(mail('Hello', 'There'))
  const outcome = async (faults: Parameters<typeof control.setFaults>[0]) => {
    await control.setFaults(faults)
    const { outcome: how, ...rest } = await email.send(letter)
    return how === 'accepted' ? how : { how, ...rest, reply: undefined }
  }
  const passing = { how: 'rejected', lasting: false, house: false, reply: undefined }
  const house = { ...passing, house: true }
  const lasting = { how: 'rejected', lasting: true, reply: undefined }
  expect(await outcome({})).toBe('accepted')
  expect(await outcome({ refuse_rcpt: 1 })).toEqual({ ...lasting, reason: 'refused:550' })
  expect(await outcome({ refuse_rcpt: { code: 450 } })).toEqual({ ...passing, reason: 'refused:450' })
  expect(await outcome({ refuse_data: 1 })).toEqual({ ...lasting, reason: 'refused:554' })
  expect(await outcome({ refuse_data: { code: 452 } })).toEqual({ ...passing, reason: 'refused:452' })
  expect(await outcome({ hang_rcpt: 1 })).toMatchObject({ how: 'unknown' })
  expect(await outcome({ refuse_connection: 1 })).toEqual({ ...house, reason: 'refused:421' })
  expect(await outcome({ cut_after: 1 })).toEqual({ how: 'unknown', reason: 'connection_lost', reply: undefined })
  expect(await outcome({ cut_data: 1 })).toEqual({ how: 'unknown', reason: 'connection_lost', reply: undefined })
  expect(await outcome({ hang_after: 1 })).toEqual({ how: 'unknown', reason: 'timeout', reply: undefined })
  expect(await outcome({})).toBe('accepted')
  await catcher.close()
  const nobody = openEmail(catcher.smtp_url)
  onTestFinished(() => nobody.close())
  expect(await nobody.send(letter)).toMatchObject({
    outcome: 'rejected',
    lasting: false,
    house: true,
    reason: 'no_connection',
  })
})

test('a password is not sent where there is no TLS', async () => {
  // The catcher is on the loopback, where it may be; the name of another machine demands TLS, which it does not offer.
  const catcher = await startMailCatcher()
  onTestFinished(() => catcher.close())
  const { port } = new URL(catcher.smtp_url)
  const email = openEmail(`smtp://user:secret@0.0.0.0:${port}`, 1_500)
  onTestFinished(() => email.close())
  const sent = await email.send(await writeMail(mail('Hello', 'There')))
  expect(sent).toMatchObject({ outcome: 'rejected', house: true })
  expect(JSON.stringify(sent)).not.toContain('secret')
  expect(await mailControlOf(catcher.url).mails()).toEqual([])
})

test('settings for mail are checked at the start, together and each by itself', () => {
  const base = { SALDO_MODE: 'sandbox' }
  const smtp = { SALDO_SMTP_URL: 'smtp://user:pass@mail.example:587' }
  expect(readConfig({ ...base, ...smtp, SALDO_MAIL_FROM: 'Saldo <house@example.com>' })).toMatchObject({
    mail_from: 'Saldo <house@example.com>',
  })
  expect(() => readConfig({ ...base, ...smtp })).toThrow('SALDO_MAIL_FROM is missing')
  expect(() => readConfig({ ...base, SALDO_MAIL_FROM: 'house@example.com' })).toThrow('SALDO_SMTP_URL is missing')
  for (const from of ['house', 'a@b\r\nBcc: c@d', 'x <a@b> <c@d>', '"q" <a@example.com>', 'a b@example.com']) {
    expect(() => readConfig({ ...base, ...smtp, SALDO_MAIL_FROM: from })).toThrow('SALDO_MAIL_FROM is not as expected')
  }
  expect(() => readConfig({ ...base, SALDO_SMTP_URL: 'http://mail.example' })).toThrow(
    'SALDO_SMTP_URL is not as expected',
  )
  expect(() => readConfig({ ...base, SALDO_TELEGRAM_TOKEN: 'abc' })).toThrow('SALDO_TELEGRAM_TOKEN is not as expected')
})
