import { readConfig } from './platform/config/config.ts'
import { isCommand, runCommand, usage } from './roles/commands.ts'
import { isRole, serve } from './roles/serve.ts'

const say = (text: string) => {
  process.stderr.write(`${text}\n`)
}

/** Signals this close together are one request: a terminal and a service manager tell us and the launcher, which passes its own on. */
const TWIN_MS = 1_000

/** Comes with the first request to stop; a stop that hangs is ended by a second. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked_ms: number | undefined
    const stop = () => {
      if (asked_ms !== undefined && performance.now() - asked_ms > TWIN_MS) process.exit(1)
      asked_ms ??= performance.now()
      resolve()
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    // The launcher is gone, however it went.
    process.once('disconnect', () => asked_ms ?? stop())
  })
}

async function main(): Promise<number> {
  const [name = '', ...args] = process.argv.slice(2)
  if (isCommand(name)) return runCommand(name, args, readConfig)
  if (isRole(name) && args.length === 0) {
    await serve(name, readConfig(), stopSignal(), say)
    return 0
  }
  const asked = ['', 'help', '--help', '-h'].includes(name) || args.includes('--help')
  if (!asked) say(`saldo: there is no "${[name, ...args].join(' ')}"\n`)
  process.stdout.write(usage())
  return asked ? 0 : 2
}

try {
  process.exitCode = await main()
} catch (error) {
  const isOurs = error instanceof Error && !['Error', 'TypeError', 'RangeError', 'InvariantError'].includes(error.name)
  // What a person can mend is said in a sentence; a defect keeps its stack.
  say(isOurs ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exitCode = 1
} finally {
  if (process.connected) process.disconnect()
}
