import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type OpenApp, openApp } from '#server/app.ts'
import { readConfig } from '#server/platform/config/config.ts'
import { createTestDatabase, dropTestDatabase } from './database.ts'

/** An app over a migrated database of the calling test's own, silent; closed and dropped when that test ends. */
export async function testApp(options: { url?: string; connections?: number } = {}): Promise<OpenApp> {
  const url = options.url ?? (await createTestDatabase())
  const home = mkdtempSync(join(tmpdir(), 'saldo-test-home-'))
  const config = readConfig({
    SALDO_MODE: 'sandbox',
    SALDO_HOME: home,
    SALDO_LOG_LEVEL: process.env.SALDO_TEST_LOG_LEVEL ?? 'silent',
    SALDO_DB_CONNECTIONS: String(options.connections ?? 8),
  })
  const app = await openApp(config, url, 'saldo-test')
  onTestFinished(async () => {
    await app.close()
    rmSync(home, { recursive: true, force: true })
    if (options.url === undefined) await dropTestDatabase(url)
  })
  return app
}
