import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { BoundedLog } from './bounded-log.ts'
import type { FromWatchdog, Program, ToWatchdog } from './guarded-process.ts'

// A program of its own, started by `startGuarded`: it runs one program for its parent, and stops it when told or when the parent is gone.

let stop = (): void => process.exit()

process.on('message', (message: ToWatchdog) => {
  if (message.is === 'run') run(message.program)
  else stop()
})
process.on('disconnect', () => stop())
process.on('SIGTERM', () => stop())
// Meant for a terminal's foreground programs; the parent decides what they mean.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})

function run(program: Program): void {
  const log = new BoundedLog(program.log_file)
  const child = spawn(program.file, program.args, {
    ...program.run_as,
    // A group of its own, so that a signal for ours does not reach it. Its user need not be able to enter our folder.
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', (chunk: Buffer) => log.write(chunk))
  child.stderr.on('data', (chunk: Buffer) => log.write(chunk))
  child.once('error', (error) => finish(program, { is: 'failed', reason: error.message }))
  child.once('spawn', () => tell({ is: 'running', pid: child.pid ?? 0 }))
  const ended = new Promise<void>((resolve) => {
    child.once('exit', async (code, signal) => {
      // The program's own children may hold its output open a little longer than it lives.
      await Promise.race([new Promise((closed) => child.once('close', closed)), wait(1_000)])
      resolve()
      finish(program, { is: 'ended', code, signal, lines: log.lastLines() })
    })
  })
  let stopping = false
  stop = () => {
    if (stopping) return
    stopping = true
    void stopInTurn(program, (signal) => child.kill(signal), ended)
  }
}

async function stopInTurn(program: Program, kill: (signal: NodeJS.Signals) => void, ended: Promise<void>) {
  for (const { signal, wait_ms } of program.stops) {
    kill(signal)
    const gone = await Promise.race([ended.then(() => true), wait(wait_ms, false)])
    if (gone) return
  }
}

function tell(message: FromWatchdog, then = () => {}): void {
  if (process.connected) process.send?.(message, then)
  else then()
}

function finish(program: Program, message: FromWatchdog): void {
  if (program.scratch) rmSync(program.scratch, { recursive: true, force: true })
  tell(message, () => process.exit())
}
