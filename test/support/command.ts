import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { readConfig } from '#server/platform/config/config.ts'
import { runCommand } from '#server/roles/commands.ts'

/** What a command did: its exit code, its result, and what it said beside. */
export interface CommandRun {
  code: number
  out: string
  err: string
}

/** How the calling test gives commands of `saldo` on the database at `url`, one after another, with these settings besides. */
export function terminal(
  url: string,
  settings: Record<string, string> = {},
): (...args: string[]) => Promise<CommandRun> {
  const home = mkdtempSync(join(tmpdir(), 'saldo-command-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const source = { SALDO_MODE: 'sandbox', SALDO_HOME: home, DATABASE_URL: url, SALDO_DB_CONNECTIONS: '2', ...settings }
  return async (name = '', ...args) => {
    const run: CommandRun = { code: 0, out: '', err: '' }
    const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      run.out += String(text)
      return true
    })
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      run.err += String(text)
      return true
    })
    try {
      run.code = await runCommand(name, args, () => readConfig(source))
    } finally {
      stdout.mockRestore()
      stderr.mockRestore()
    }
    return run
  }
}
