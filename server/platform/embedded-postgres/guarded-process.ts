import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import type { RunAs } from './place.ts'

const require = createRequire(import.meta.url)

/** A program that must not outlive this process. */
export interface Program {
  readonly file: string
  readonly args: readonly string[]
  readonly run_as: RunAs | undefined
  /** What the program prints goes here; an older part is kept beside it as `.1`. */
  readonly log_file: string
  /** How to end it: each signal in turn, with the time that it has to work. */
  readonly stops: readonly { signal: NodeJS.Signals; wait_ms: number }[]
  /** A folder that is removed once the program has ended. */
  readonly scratch?: string | undefined
}

/** How a program ended; `lines` are the last that it printed. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
  readonly lines: string
}

/** What this process tells its watchdog, and hears from it. */
export type ToWatchdog = { is: 'run'; program: Program } | { is: 'stop' }
export type FromWatchdog =
  | { is: 'running'; pid: number }
  | { is: 'failed'; reason: string }
  | ({ is: 'ended' } & Ending)

/** A running program under its watchdog. */
export interface GuardedProcess {
  readonly pid: number
  /** Comes when the program has ended, or undefined when its watchdog died: then nobody knows whether the program still runs. */
  readonly ended: Promise<Ending | undefined>
  /** Ends the program by its `stops` and comes when it has ended. */
  stop(): Promise<void>
  /** From here on, this process may end though the program still runs; the watchdog then stops it. */
  release(): void
}

/**
 * Starts a program under a watchdog of its own: a small process, in a session of its own, which starts the program and stops it as soon as
 * the channel to us breaks. The kernel breaks the channel however we die. Rejects when the program cannot be started.
 */
export async function startGuarded(program: Program): Promise<GuardedProcess> {
  const watchdog = fork(require.resolve('./watchdog.ts'), {
    detached: true,
    // It must hold none of our streams open, and takes over nothing of our environment.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: {},
  })
  const ended = endOf(watchdog)
  const pid = await pidOf(watchdog, program)
  return {
    pid,
    ended,
    stop: async () => {
      watchdog.ref()
      watchdog.channel?.ref()
      if (watchdog.connected) tell(watchdog, { is: 'stop' })
      await ended
    },
    release: () => {
      watchdog.unref()
      watchdog.channel?.unref()
    },
  }
}

function tell(watchdog: ChildProcess, message: ToWatchdog): void {
  // A channel that breaks now means that the watchdog is gone, which `exit` tells as well.
  watchdog.send(message, () => {})
}

function pidOf(watchdog: ChildProcess, program: Program): Promise<number> {
  return new Promise((resolve, reject) => {
    watchdog.on('message', (message: FromWatchdog) => {
      if (message.is === 'running') resolve(message.pid)
      if (message.is === 'failed') reject(new Error(`${program.file} cannot be started: ${message.reason}`))
    })
    watchdog.once('error', reject)
    watchdog.once('exit', (code, signal) => reject(new Error(`the watchdog ended at its start (${code ?? signal})`)))
    tell(watchdog, { is: 'run', program })
  })
}

function endOf(watchdog: ChildProcess): Promise<Ending | undefined> {
  return new Promise((resolve) => {
    let ending: Ending | undefined
    watchdog.on('message', (message: FromWatchdog) => {
      if (message.is === 'ended') ending = { code: message.code, signal: message.signal, lines: message.lines }
    })
    // `close` comes after the last message, `exit` might not.
    watchdog.once('close', () => resolve(ending))
  })
}
