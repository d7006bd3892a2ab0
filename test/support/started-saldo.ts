import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const MAIN = join(import.meta.dirname, '../../server/main.ts')

/** What `SALDO_HOME/sandbox.json` tells. */
export interface SandboxFile {
  url: string
  users: { email: string; password: string; role: string }[]
  apiKeys: { customer: string }
  sandbox: { provider: string; mail: string; smtp: string; telegram: string }
}

/** Saldo as a new user starts it: one process with everything, on a home and a PostgreSQL of its own. */
export interface StartedSaldo {
  home: string
  file: SandboxFile
  /** All that was said at the terminal so far. */
  said(): string
  /** Ends it with a signal and answers when it has ended. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** An empty home, removed when the calling test ends. */
export function emptySaldoHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'saldo-e2e-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }))
  return home
}

/** Starts `saldo all` and comes when it says where it answers. Ended when the calling test ends. */
export async function startSaldo(home: string): Promise<StartedSaldo> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'all'], {
    env: { PATH: process.env.PATH, SALDO_HOME: home, PORT: '0', SALDO_LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const hear = (data: Buffer) => {
    said += data.toString()
  }
  child.stderr.on('data', hear)
  child.stdout.on('data', hear)
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  onTestFinished(async () => {
    await end(child, exited, 'SIGTERM')
  })
  await heardOf(
    child,
    exited,
    () => /All doors are described/.test(said),
    () => said,
  )
  const file = JSON.parse(await readFile(join(home, 'sandbox.json'), 'utf8')) as SandboxFile
  return { home, file, said: () => said, end: (signal) => end(child, exited, signal) }
}

/** Runs a command of `saldo` on the same home; answers its exit code and what it printed. */
export async function runSaldo(home: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    env: { PATH: process.env.PATH, SALDO_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString()
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

async function end(
  child: ChildProcess,
  exited: Promise<number | null>,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  return exited
}

async function heardOf(
  child: ChildProcess,
  exited: Promise<number | null>,
  done: () => boolean,
  said: () => string,
): Promise<void> {
  while (!done()) {
    const heard = once(child.stderr as NodeJS.ReadableStream, 'data').then(() => 'heard')
    if ((await Promise.race([heard, exited])) !== 'heard') throw new Error(`Saldo did not start:\n${said()}`)
  }
}
