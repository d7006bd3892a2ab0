import { execFileSync, spawnSync } from 'node:child_process'
import { access } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { aptGet } from './apt.ts'
import { ensureChromium, ensureInterpreter, ensurePgbench, ensureRedis } from './ensure-system-packages.ts'

const can_install = process.getuid?.() === 0 && (await isThere('/usr/bin/apt-get'))

test.runIf(can_install)(
  'answers a pgbench that runs, fetched where the system has none',
  { timeout: 300_000 },
  async () => {
    const pgbench = await ensurePgbench(() => {})
    expect(execFileSync(pgbench, ['--version'], { encoding: 'utf8' })).toMatch(/^pgbench \(PostgreSQL\) \d+/)
  },
)

test.runIf(can_install)(
  'answers a Redis that runs, installed where the system has none',
  { timeout: 300_000 },
  async () => {
    const { path, argv0 } = await ensureRedis(() => {})
    expect(spawnSync(path, ['--version'], { argv0, encoding: 'utf8' }).stdout).toMatch(/server v=\d+/)
  },
)

test.runIf(can_install)(
  'who asks for the lists of packages while another does waits',
  { timeout: 300_000 },
  async () => {
    await Promise.all([1, 2, 3].map(() => aptGet(['update'])))
  },
)

test.runIf(process.platform === 'linux')(
  'a program that is missing and may not be installed is told with what to install',
  async () => {
    const path = process.env.PATH
    process.env.PATH = '/nowhere'
    try {
      await expect(ensureChromium(() => {})).rejects.toThrow(
        'Chromium is missing. Install it (on Debian: apt-get install chromium)',
      )
      await expect(ensureInterpreter('php', () => {})).rejects.toThrow(
        'PHP is missing. Install it (on Debian: apt-get install php-cli)',
      )
    } finally {
      process.env.PATH = path
    }
  },
)

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
