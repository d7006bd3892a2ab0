import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { present } from '#server/kit/invariant.ts'
import type { DataLock } from './data-lock.ts'
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { type Ending, type GuardedProcess, type Program, startGuarded } from './guarded-process.ts'
import { SUPERUSER } from './initialize-data.ts'
import { clearLeftovers } from './leftovers.ts'
import type { Place } from './place.ts'
import { settingsOf } from './settings.ts'
import { DATABASE, PortTakenError, waitUntilReady } from './wait-until-ready.ts'

/** A free port may be taken between our look and PostgreSQL's; five times in a row it is something else. */
const PORT_TRIES = 5

/** A new start that fails three times will fail the fourth time. */
const REVIVALS_MAX = 3
const REVIVAL_PAUSE_MS = 500

/** The longest path of a socket: 107 bytes on Linux, 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 103

/** Everything that is settled before PostgreSQL starts. */
export interface Prepared {
  readonly place: Place
  readonly natives: string
  readonly password: string
  readonly lock: DataLock
  readonly options: EmbeddedPostgresOptions
}

/** Keeps one PostgreSQL running until it is told to stop. */
export class Supervisor implements EmbeddedPostgres {
  readonly #prepared: Prepared
  #port = 0
  #process: GuardedProcess | undefined
  #revival: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined

  constructor(prepared: Prepared) {
    this.#prepared = prepared
  }

  get url(): string {
    return `postgres://${SUPERUSER}:${this.#prepared.password}@127.0.0.1:${this.#port}/${DATABASE}`
  }

  get data_directory(): string {
    return this.#prepared.place.data
  }

  get pid(): number {
    return present(this.#process, 'the supervisor was asked for a pid before its start').pid
  }

  /** Starts PostgreSQL on the port of the last time, or on another where that is taken. */
  async start(): Promise<void> {
    const port_file = join(this.#prepared.place.directory, 'port')
    let port = (await rememberedPort(port_file)) ?? (await freePort())
    for (let tries = 1; ; tries++) {
      try {
        await this.#launch(port)
        break
      } catch (error) {
        if (!(error instanceof PortTakenError) || tries === PORT_TRIES) throw error
        port = await freePort()
      }
    }
    await writeFile(port_file, String(port))
    this.#prepared.lock.publish(this.url)
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    await this.#revival
    const process = this.#process
    await process?.stop()
    // A watchdog that died tells nothing about its PostgreSQL.
    if ((await process?.ended) === undefined)
      await clearLeftovers(this.data_directory, this.#prepared.options.onProgress)
    this.#prepared.lock.release()
  }

  async #launch(port: number): Promise<void> {
    const { place, natives, password, options } = this.#prepared
    await clearLeftovers(place.data, options.onProgress)
    const socket_directory = await makeSocketFolder(place)
    options.onProgress('Starting PostgreSQL …')
    const settings = {
      ...settingsOf(),
      ...options.settings,
      listen_addresses: '127.0.0.1',
      port: String(port),
      // A list, in which quotes keep a comma or a blank of the path together.
      unix_socket_directories: `"${socket_directory.replaceAll('"', '""')}"`,
    }
    const process = await startGuarded(postgres(place, natives, settings, socket_directory))
    try {
      await waitUntilReady({ ...options, process, socket_directory, port, password, log_file: place.log_file })
    } catch (error) {
      await process.stop()
      throw error
    }
    this.#port = port
    this.#process = process
    process.release()
    void process.ended.then((ending) => {
      if (!this.#stopped) this.#revival = this.#revive(ending)
    })
  }

  async #revive(ending: Ending | undefined): Promise<void> {
    const { onProgress, onFailure } = this.#prepared.options
    onProgress(`PostgreSQL ended unexpectedly (${causeOf(ending)}). Starting it again …`)
    let failure: unknown
    for (let tries = 1; tries <= REVIVALS_MAX; tries++) {
      if (this.#stopped) return
      try {
        // On the same port, so that whoever has the address finds it again.
        await this.#launch(this.#port)
        onProgress('PostgreSQL answers again.')
        return
      } catch (error) {
        failure = error
        await wait(REVIVAL_PAUSE_MS * tries)
      }
    }
    const reason = failure instanceof Error ? failure.message : String(failure)
    const error = new EmbeddedPostgresError(`PostgreSQL ended and cannot be started again: ${reason}`, {
      cause: failure,
    })
    if (onFailure) onFailure(error)
    else
      queueMicrotask(() => {
        throw error
      })
  }
}

function postgres(place: Place, natives: string, settings: Record<string, string>, scratch: string): Program {
  return {
    file: join(natives, 'bin', 'postgres'),
    args: ['-D', place.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    run_as: place.run_as,
    log_file: place.log_file,
    // Fast (ends sessions, writes a checkpoint), immediate (recovers at the next start), and what cannot be refused.
    stops: [
      { signal: 'SIGINT', wait_ms: 60_000 },
      { signal: 'SIGQUIT', wait_ms: 10_000 },
      { signal: 'SIGKILL', wait_ms: 10_000 },
    ],
    scratch,
  }
}

/**
 * An empty folder that only PostgreSQL's user may enter: beside the data, or under /tmp where that path is too long for a socket. Its name is
 * new each time, for the watchdog of an earlier start may be about to remove the one of its own.
 */
async function makeSocketFolder(place: Place): Promise<string> {
  for (const entry of await readdir(place.directory)) {
    if (entry.startsWith('run-')) await rm(join(place.directory, entry), { recursive: true, force: true })
  }
  const beside = join(place.directory, 'run-')
  const longest = Buffer.byteLength(`${beside}XXXXXX/.s.PGSQL.65535`)
  const directory = await mkdtemp(longest > SOCKET_PATH_BYTES_MAX ? '/tmp/saldo-' : beside)
  if (place.run_as) await chown(directory, place.run_as.uid, place.run_as.gid)
  return directory
}

async function rememberedPort(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const port = Number(text)
  return Number.isInteger(port) && port > 1024 && port < 65_536 ? port : undefined
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        resolve(typeof address === 'object' ? present(address, 'a listening server has an address').port : 0),
      )
    })
  })
}

function causeOf(ending: Ending | undefined): string {
  if (ending === undefined) return 'its watchdog died'
  return ending.signal ?? `code ${ending.code}`
}
