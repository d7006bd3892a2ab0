import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A server of the simulated outside world, in a process of its own, as the outside world is. */
export interface SandboxServer {
  /** What it said when it listened: its addresses. */
  told: Record<string, string>
  stop(): Promise<void>
}

/**
 * Starts `sandbox/<main>` with the first of these lists of arguments with which it listens: the ports it had before may be taken. It ends when this
 * process does. Throws when it starts with none.
 */
export async function forkSandbox(main: string, argumentLists: readonly string[][]): Promise<SandboxServer> {
  for (const args of argumentLists) {
    const server = await listening(main, args)
    if (server) return server
  }
  throw new Error(`The sandbox server ${main} did not start.`)
}

async function listening(main: string, args: string[]): Promise<SandboxServer | undefined> {
  const child = fork(join(import.meta.dirname, '../../sandbox', main), args, {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(() => undefined)
  const line = child.stdout ? once(child.stdout, 'data').then(([data]) => String(data)) : Promise.resolve('')
  const said = await Promise.race([line, ended])
  if (said === undefined) return undefined
  return {
    told: JSON.parse(said) as Record<string, string>,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The port of an address, as an argument; 0 without one. */
export function portOf(url: string | undefined): string {
  return url === undefined ? '0' : new URL(url).port
}
