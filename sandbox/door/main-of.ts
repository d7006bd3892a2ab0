import { parseArgs } from 'node:util'

/** What a server of the sandbox tells when it listens, and how it ends. */
export interface Started {
  told: Record<string, string>
  close(): Promise<void>
}

/**
 * Runs a server of the sandbox as a process: reads `--name value` options, prints one line of JSON when it listens, ends on SIGTERM, SIGINT, or when the process
 * that forked it is gone. `usage` is printed for --help.
 */
export async function runAsMain(
  names: readonly string[],
  usage: string,
  start: (options: Record<string, string | undefined>) => Promise<Started>,
): Promise<void> {
  try {
    const text = { type: 'string' } as const
    const known = Object.fromEntries(names.map((name) => [name, text]))
    const { values } = parseArgs({ options: { ...known, help: { type: 'boolean' } } })
    if (values.help) {
      process.stdout.write(usage)
      return
    }
    const server = await start(values as Record<string, string | undefined>)
    process.stdout.write(`${JSON.stringify(server.told)}\n`)
    const signals = ['SIGTERM', 'SIGINT', 'disconnect'] as const
    const stop = () => {
      for (const signal of signals) process.removeListener(signal, stop)
      void server.close().then(() => process.connected && process.disconnect())
    }
    for (const signal of signals) process.once(signal, stop)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

/** A port as it was given; 0 without one. Throws for anything else. */
export function portOf(name: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d{1,5}$/.test(text)) throw new Error(`--${name}: expected a port, got ${JSON.stringify(text)}`)
  return Number(text)
}
