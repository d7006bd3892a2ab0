import { createTransport } from 'nodemailer'
import { expect, onTestFinished, test } from 'vitest'
import { mailControlOf } from './client.ts'
import { startMailCatcher } from './start-mail-catcher.ts'

async function setup() {
  const catcher = await startMailCatcher()
  onTestFinished(() => catcher.close())
  const { hostname: host, port } = new URL(catcher.smtp_url)
  const transport = createTransport({ host, port: Number(port), socketTimeout: 2_000 })
  onTestFinished(() => transport.close())
  const send = (to: string, subject = 'Hello', text = 'See https://example.com/a?b=1 soon') =>
    transport.sendMail({ from: 'Saldo <house@example.com>', to, subject, text, html: `<p>${text}</p>` })
  return { url: catcher.url, control: mailControlOf(catcher.url), send }
}

test('a mail is kept, read, and found by recipient and subject', async () => {
  const { control, send } = await setup()
  await send('ada@example.com', 'First')
  await send('Bob@example.com', 'Второе письмо')
  expect((await control.mails()).map((mail) => mail.subject)).toEqual(['Второе письмо', 'First'])
  const [mail] = await control.mails({ to: 'ada@' })
  expect(mail).toMatchObject({
    rcpt_to: ['ada@example.com'],
    from: 'Saldo <house@example.com>',
    link: 'https://example.com/a?b=1',
  })
  expect(mail?.headers['content-type']).toContain('multipart/alternative')
  await control.clear()
  expect(await control.mails()).toEqual([])
})

test('who waits for a mail gets it when it comes', async () => {
  const { control, send } = await setup()
  const waited = control.waitFor({ to: 'later@example.com', timeout_ms: 5_000 })
  await send('sooner@example.com')
  await send('later@example.com', 'There')
  expect((await waited).subject).toBe('There')
  await expect(control.waitFor({ to: 'never@example.com', timeout_ms: 50 })).rejects.toThrow('404')
})

test('each fault does what its table says, as often as it is told', async () => {
  const { control, send } = await setup()
  const outcome = async (to = 'ada@example.com') => {
    try {
      await send(to)
      return 'sent'
    } catch (error) {
      const { code, responseCode } = error as { code: string; responseCode?: number }
      return responseCode ?? code
    }
  }
  const kept = async () => (await control.mails()).length
  await control.setFaults({ refuse_rcpt: { limit: 1, to: 'ada' } })
  expect([await outcome('bob@example.com'), await outcome(), await outcome()]).toEqual(['sent', 550, 'sent'])
  await control.setFaults({ refuse_rcpt: { limit: 1, code: 450 }, refuse_connection: { limit: 1 } })
  expect([await outcome(), await outcome()]).toEqual([421, 450])
  await control.setFaults({ refuse_data: { limit: 1 }, cut_data: { limit: 1 } })
  expect([await outcome(), await outcome()]).toEqual(['ECONNECTION', 554])
  expect(await kept()).toBe(2)
  await control.setFaults({ cut_after: { limit: 1 }, hang_after: { limit: 1 }, slow: { limit: 1, ms: 1 } })
  expect([await outcome(), await outcome(), await outcome()]).toEqual(['ECONNECTION', 'ETIMEDOUT', 'sent'])
  expect(await kept()).toBe(5)
  expect(await control.fired()).toMatchObject({ cut_after: 1, refuse_rcpt: 2 })
})

test('the pages show hostile mail as text, and the mail itself in a frame without scripts', async () => {
  const { url, send } = await setup()
  await send('ada@example.com', '<script>alert(1)</script>', '<b>bold</b>')
  const list = await (await fetch(url)).text()
  const page = await (await fetch(`${url}/mails/1`)).text()
  for (const html of [list, page]) expect(html).not.toContain('<script')
  expect(page).toContain('<iframe sandbox="allow-popups')
  expect(page).toContain('&lt;b&gt;bold')
})

test('bad input is refused by name', async () => {
  const { control, url } = await setup()
  await expect(control.setFaults({ nonsense: 1 } as never)).rejects.toThrow('nonsense: unknown fault')
  await expect(control.setFaults({ slow: { ms: -1 } })).rejects.toThrow('slow.ms')
  expect((await fetch(`${url}/control/mails/7`)).status).toBe(404)
  expect((await fetch(`${url}/control/mails`, { method: 'PUT' })).status).toBe(405)
})
