import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { signRequest } from '#server/domains/notifications/webhooks/deliveries/sign-request.ts'
import { ensureInterpreter } from '#tools/ensure-system-packages.ts'
import { webhooks } from './webhook-guide.ts'
import { SAMPLES, VECTOR } from './webhook-samples.ts'

const { secret, id, timestamp, body } = VECTOR

test('what the page prints to try other languages by is what we sign', () => {
  const message = { id, timestamp_s: Number(timestamp), body }
  expect(signRequest('standard', [secret], message)['webhook-signature']).toBe(VECTOR.standard)
  expect(signRequest('hmac_sha256', [secret], message)['saldo-signature']).toBe(VECTOR.hmac_sha256)
  const shown = JSON.stringify(webhooks.parts)
  for (const value of [VECTOR.standard, VECTOR.hmac_sha256, id, timestamp]) expect(shown).toContain(value)
})

/** A request as it comes, by which signature it is checked, and whether it is ours. */
interface Case {
  what: string
  by: 'standard' | 'plain'
  id: string
  at: string
  given: string
  body: string
  ours: boolean
}

const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

/** Made at the moment at which they are checked, for the samples look at the clock. */
function casesOf(now_s: number): Case[] {
  const signed = (secrets: string[], timestamp_s = now_s, text: string = body) => {
    const headers = signRequest('standard', secrets, { id, timestamp_s, body: text })
    return { id, at: String(timestamp_s), given: headers['webhook-signature'] ?? '', body: text }
  }
  const plain = (secrets: string[], text: string = body) => {
    const headers = signRequest('hmac_sha256', secrets, { id, timestamp_s: now_s, body: text })
    return { id, at: '', given: headers['saldo-signature'] ?? '', body: text }
  }
  const letters = '{"name":"আদা Ада é","none":"\\u0000"}'
  const standard = signed([secret])
  const cases: [string, Case['by'], Omit<Case, 'what' | 'by' | 'ours'>, boolean][] = [
    ['signed by us', 'standard', standard, true],
    ['while the secret is changed', 'standard', signed([OTHER, secret]), true],
    ['letters of all kinds', 'standard', signed([secret], now_s, letters), true],
    ['a body of nothing', 'standard', signed([secret], now_s, ''), true],
    ['almost too old', 'standard', signed([secret], now_s - 240), true],
    ['too old', 'standard', signed([secret], now_s - 360), false],
    ['too early', 'standard', signed([secret], now_s + 360), false],
    ['by another secret', 'standard', signed([OTHER]), false],
    ['another body', 'standard', { ...standard, body: '{}' }, false],
    ['another id', 'standard', { ...standard, id: 'msg_2' }, false],
    ['another time', 'standard', { ...standard, at: String(now_s - 1) }, false],
    ['a time that is no number', 'standard', { ...standard, at: '9e9' }, false],
    ['no time', 'standard', { ...standard, at: '' }, false],
    ['no signature', 'standard', { ...standard, given: '' }, false],
    ['a part of the signature', 'standard', { ...standard, given: standard.given.slice(0, -1) }, false],
    ['plainly signed by us', 'plain', plain([secret]), true],
    ['plainly, while the secret is changed', 'plain', plain([OTHER, secret]), true],
    ['plainly, letters of all kinds', 'plain', plain([secret], letters), true],
    ['plainly by another secret', 'plain', plain([OTHER]), false],
    ['plainly, another body', 'plain', { ...plain([secret]), body: '{}' }, false],
    ['plainly, a signature that is none', 'plain', { ...plain([secret]), given: 'é' }, false],
  ]
  return cases.map(([what, by, request, ours]) => ({ what, by, ...request, ours }))
}

/** What is put behind each sample: it reads the secret and the cases, and writes its verdict on each. */
const DRIVERS: Record<keyof typeof SAMPLES, string> = {
  typescript: `
import { readFileSync } from 'node:fs'
const [secret, cases] = JSON.parse(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(cases.map(({ by, id, at, given, body }) => by === 'plain'
  ? isPlainlyFromSaldo(secret, given, Buffer.from(body))
  : isFromSaldo(secret, { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': given }, Buffer.from(body)))))`,
  php: `
error_reporting(E_ALL);
[$secret, $cases] = json_decode(stream_get_contents(STDIN), true);
echo json_encode(array_map(fn($c) => $c['by'] === 'plain'
    ? is_plainly_from_saldo($secret, $c['given'], $c['body'])
    : is_from_saldo($secret, $c['id'], $c['at'], $c['given'], $c['body']), $cases));`,
  python: `
import json, sys
secret, cases = json.load(sys.stdin)
json.dump([
    is_plainly_from_saldo(secret, c["given"], c["body"].encode()) if c["by"] == "plain"
    else is_from_saldo(secret, {"webhook-id": c["id"], "webhook-timestamp": c["at"], "webhook-signature": c["given"]}, c["body"].encode())
    for c in cases
], sys.stdout)`,
}

const RUN: Record<keyof typeof SAMPLES, { file: string; program(): Promise<string[]> }> = {
  typescript: {
    file: 'sample.mts',
    program: async () => [process.execPath, '--disable-warning=ExperimentalWarning'],
  },
  php: { file: 'sample.php', program: async () => [await ensureInterpreter('php', () => {})] },
  python: { file: 'sample.py', program: async () => [await ensureInterpreter('python', () => {})] },
}

test.for([
  ['TypeScript', 'typescript'],
  ['PHP', 'php'],
  ['Python', 'python'],
] as const)(
  'the %s of the page takes what we sign, also beside a signature by another secret, and nothing else',
  { timeout: 300_000 },
  async ([, language]) => {
    const { file, program } = RUN[language]
    const [path = '', ...args] = await program()
    const folder = mkdtempSync(join(tmpdir(), 'saldo-sample-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, file), SAMPLES[language] + DRIVERS[language])
    const cases = casesOf(Math.floor(Date.now() / 1000))
    const input = JSON.stringify([secret, cases])
    const verdicts = JSON.parse(execFileSync(path, [...args, join(folder, file)], { input, encoding: 'utf8' }))
    expect(cases.map(({ what }, i) => [what, verdicts[i]])).toEqual(cases.map(({ what, ours }) => [what, ours]))
  },
)
