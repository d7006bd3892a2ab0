import { execFileSync, spawnSync } from 'node:child_process'
import { access } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ensureChromium, ensurePgbench, ensureRedis } from './ensure-system-packages.ts'

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

test.runIf(process.platform === 'linux')(
  'a Chromium that is missing and may not be installed is told with what to install',
  async () => {
    const path = process.env.PATH
    process.env.PATH = '/nowhere'
    try {
      await expect(ensureChromium(() => {})).rejects.toThrow('apt-get install chromium')
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
