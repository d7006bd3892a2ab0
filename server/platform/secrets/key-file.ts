import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The master key of a sandbox, in base64: `secret.key` in `home`, made at the first call, readable by its owner alone.
 * Starters at the same time get the same key, and a start that dies half-way leaves no half key.
 */
export async function readOrMakeKeyFile(home: string): Promise<string> {
  const path = join(home, 'secret.key')
  return (await readIfThere(path)) ?? (await makeKey(home, path))
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

async function makeKey(home: string, path: string): Promise<string> {
  await mkdir(home, { recursive: true })
  const draft = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${randomBytes(32).toString('base64')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    // A link appears whole or not at all, and fails where another starter was first; then that one's key counts.
    await link(draft, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await unlink(draft)
  }
  return (await readFile(path, 'utf8')).trim()
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
