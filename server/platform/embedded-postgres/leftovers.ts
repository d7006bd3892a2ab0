import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './errors.ts'

/** A fast shutdown writes all of shared_buffers to the disk. */
const FAST_MS = 60_000
/** An immediate one only ends processes; PostgreSQL itself kills what lingers after 5 s. */
const IMMEDIATE_MS = 10_000
const HEADLESS_MS = 2_000
const KILLED_MS = 10_000

/**
 * Ends whatever PostgreSQL still runs on `data` from an earlier start, and removes what would keep the next from starting. The caller holds the
 * place's lock, so whoever started them is dead. Processes are known by what they are and where they work, never by a remembered
 * pid alone, which may be a stranger's by now. Throws EmbeddedPostgresError when they do not end.
 */
export async function clearLeftovers(data: string, onProgress: (text: string) => void): Promise<void> {
  const pid_file = join(data, 'postmaster.pid')
  const remembered = await rememberedPid(pid_file)
  const left = await postgresProcessesIn(data)
  if (left.length > 0) {
    onProgress(`Stopping a PostgreSQL that an earlier run left behind (process ${remembered ?? left[0]}) …`)
    await endAll(data, remembered)
  }
  await rm(pid_file, { force: true })
}

async function endAll(data: string, postmaster: number | undefined): Promise<void> {
  const headIsThere = async () => postmaster !== undefined && (await postgresProcessesIn(data)).includes(postmaster)
  const isAnyThere = async () => (await postgresProcessesIn(data)).length > 0
  for (const [signal, wait_ms] of [
    ['SIGINT', FAST_MS],
    ['SIGQUIT', IMMEDIATE_MS],
  ] as const) {
    if (postmaster === undefined || !(await headIsThere())) break
    kill(postmaster, signal)
    await whileHolds(headIsThere, wait_ms)
  }
  // Without their head the others end by themselves, unless they hang.
  await whileHolds(isAnyThere, HEADLESS_MS)
  for (const pid of await postgresProcessesIn(data)) kill(pid, 'SIGKILL')
  await whileHolds(isAnyThere, KILLED_MS)
  const left = await postgresProcessesIn(data)
  if (left.length === 0) return
  throw new EmbeddedPostgresError(
    `A PostgreSQL of an earlier run still works on ${data} and cannot be stopped (processes ${left.join(', ')}).`,
  )
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Comes when `holds` does no more, or after `wait_ms`. */
async function whileHolds(holds: () => Promise<boolean>, wait_ms: number): Promise<void> {
  const deadline = performance.now() + wait_ms
  while ((await holds()) && performance.now() < deadline) await wait(50)
}

async function rememberedPid(pid_file: string): Promise<number | undefined> {
  const text = await readFile(pid_file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const pid = Number.parseInt(text, 10)
  return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
}

/** The pids of all processes named postgres that work in the folder `data`: each of them does, from its start to its end. */
export async function postgresProcessesIn(data: string): Promise<number[]> {
  const directory = await realpath(data)
  return process.platform === 'linux' ? inProc(directory) : byLsof(directory)
}

async function inProc(directory: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [cwd, exe] = await Promise.all([readlink(`/proc/${pid}/cwd`), readlink(`/proc/${pid}/exe`)])
        // The kernel adds " (deleted)" when the program's file is gone, as after a reinstallation.
        return cwd === directory && basename(exe).replace(' (deleted)', '') === 'postgres'
      } catch {
        // It ended while we looked, or it is another user's: neither can be ours.
        return false
      }
    }),
  )
  return pids.filter((_, index) => found[index]).map(Number)
}

/** Systems without /proc: lsof comes with them, and prints p<pid> and n<working folder> on lines of their own. */
async function byLsof(directory: string): Promise<number[]> {
  const args = ['-a', '-d', 'cwd', '-c', 'postgres', '-F', 'pn']
  // It ends with 1 when there is no such process at all.
  const { stdout } = await promisify(execFile)('lsof', args).catch((error: { code?: unknown; stdout?: string }) => {
    if (error.code === 1) return { stdout: error.stdout ?? '' }
    throw error
  })
  const found: number[] = []
  let pid = 0
  for (const line of stdout.split('\n')) {
    if (line.startsWith('p')) pid = Number(line.slice(1))
    if (line === `n${directory}`) found.push(pid)
  }
  return found
}
