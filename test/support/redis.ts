import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'
import { ensureRedis } from '#tools/ensure-system-packages.ts'

/** A Redis of the calling test's own, on loopback, that keeps nothing on the disk. */
export interface TestRedis {
  url: string
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Lets it hang: connections stay, and nothing is answered. */
  freeze(): void
  thaw(): void
  /** Starts it again at the same address, empty. */
  start(): Promise<void>
}

// While the file that imports this one is loaded, for installing may take longer than a test. A system that has none fails that file and is told what to install.
const program = await ensureRedis(() => {})

/** Starts a Redis; it is ended when the calling test ends. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  let child: ChildProcess
  const start = async () => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp']
    child = spawn(program.path, args, { argv0: program.argv0, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const text of child.stdout ?? []) if (String(text).includes('Ready to accept')) return
    throw new Error('Redis ended before it was ready')
  }
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  onTestFinished(kill)
  return {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
