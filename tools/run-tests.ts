import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { EmbeddedPostgres } from '#server/platform/embedded-postgres/embedded-postgres.ts'
import { startEmbeddedPostgres } from '#server/platform/embedded-postgres/start-embedded-postgres.ts'
import { ensureChromium } from './ensure-system-packages.ts'
import { summaryOf, sumOf, type Tally, tallyOf } from './test-results.ts'

const HELP = `npm test                        every check and every test
npm test -- <paths, options>    the tests that vitest finds by these, without the checks
npm run check                   the checks alone
`

const root = join(import.meta.dirname, '..')

const CHECKS = [
  { name: 'types', command: ['tsc', '--noEmit'] },
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings'] },
  { name: 'unused code', command: ['knip'] },
]

/** Begins the names of folders that hold a run's PostgreSQL; the run's pid follows. */
const FOLDER = 'saldo-run-'

/**
 * What the tests write is thrown away, and a database dropped after each would wait for the disk to have all of it. Tests that crash PostgreSQL start one of
 * their own, with the settings of the product.
 */
const FORGETFUL = { fsync: 'off', full_page_writes: 'off', max_wal_size: '1GB' }

/**
 * Where Linux keeps files in memory. A database is a thousand files, and each test makes and drops its own: ext4 looks past every file that was deleted within minutes before it makes
 * another, which took more than half of all processor time.
 */
const IN_MEMORY = '/dev/shm'
/** What a run needs there: its databases, and the log of their changes. */
const MEMORY_BYTES = 6 * 1024 ** 3

const PASSED: Tally = { passed: 1, failed: 0, skipped: 0 }
const FAILED: Tally = { passed: 0, failed: 1, skipped: 0 }

/** Ends what runs when this program is told to stop, or when the launcher is gone. */
const stopped = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort())
process.on('disconnect', () => stopped.abort())
// Listening must not keep this process alive once everything is done.
process.channel?.unref()

await main(process.argv.slice(2))

async function main(args: string[]): Promise<void> {
  if (args.includes('--help')) {
    print(HELP)
    return
  }
  const tallies: Tally[] = []
  if (args.length === 0 || args[0] === '--checks-only') tallies.push(...(await runChecks()))
  if (args[0] !== '--checks-only') tallies.push(...(await runTests(args)))
  const tally = sumOf(tallies)
  if (tally.failed > 0 || stopped.signal.aborted) process.exitCode = 1
  if (stopped.signal.aborted) print('Stopped before the end.\n')
  print(`\n${summaryOf(tally)}\n`)
}

/** Each check's output is shown when it fails, and whole. */
async function runChecks(): Promise<Tally[]> {
  return Promise.all(
    CHECKS.map(async ({ name, command }) => {
      const started = performance.now()
      const { code, output } = await run(command, { show: false })
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      print(code === 0 ? `✓ ${name} (${seconds} s)\n` : `✗ ${name}: ${command.join(' ')}\n${output}\n`)
      return code === 0 ? PASSED : FAILED
    }),
  )
}

async function runTests(args: string[]): Promise<Tally[]> {
  const folder = await makeFolder()
  let postgres: EmbeddedPostgres | undefined
  try {
    const given = process.env.SALDO_TEST_DATABASE_URL
    postgres = given
      ? undefined
      : await startEmbeddedPostgres({ home: join(folder, 'home'), settings: FORGETFUL, onProgress })
    const browser = await findBrowser()
    const environment = {
      ...process.env,
      ...browser.environment,
      SALDO_TEST_DATABASE_URL: given || (postgres?.url ?? ''),
    }
    return [...browser.tallies, await runVitest([...browser.args, ...args], folder, environment)]
  } catch (error) {
    print(`✗ ${error instanceof Error ? error.message : String(error)}\n`)
    return [FAILED]
  } finally {
    await postgres?.stop()
    // The data are elsewhere where nobody cannot enter the folder for temporary files.
    if (postgres) await rm(dirname(postgres.data_directory), { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

async function runVitest(args: string[], folder: string, environment: NodeJS.ProcessEnv): Promise<Tally> {
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { code } = await run(['vitest', 'run', ...reporters, ...args], { show: true, environment })
  const written = await readFile(report, 'utf8').catch(() => undefined)
  if (written === undefined) print('✗ vitest ended without a report of its tests\n')
  return tallyOf(written, code)
}

/** A folder of this run's own, in memory where that is large enough. What runs that were killed left behind goes. */
async function makeFolder(): Promise<string> {
  const in_memory = await hasRoom(IN_MEMORY)
  for (const place of in_memory ? [IN_MEMORY, tmpdir()] : [tmpdir()]) {
    for (const entry of await readdir(place)) {
      const pid = entry.startsWith(FOLDER) ? Number(entry.slice(FOLDER.length).split('-')[0]) : undefined
      if (pid && !isAlive(pid)) await rm(join(place, entry), { recursive: true, force: true })
    }
  }
  const folder = await mkdtemp(join(in_memory ? IN_MEMORY : tmpdir(), `${FOLDER}${process.pid}-`))
  await mkdir(join(folder, 'home'))
  // Else the data would go where the user of the server may enter: to the disk.
  if (in_memory) for (const each of [folder, join(folder, 'home')]) await chmod(each, 0o755)
  return folder
}

async function hasRoom(place: string): Promise<boolean> {
  const found = await statfs(place).catch(() => undefined)
  return found !== undefined && found.bavail * found.bsize >= MEMORY_BYTES
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Browser tests need Chromium; without one they are left out and count as one failure. */
async function findBrowser(): Promise<{ tallies: Tally[]; args: string[]; environment: NodeJS.ProcessEnv }> {
  const tests = await readdir(join(root, 'test', 'e2e')).catch(() => [])
  if (!tests.some((each) => each.endsWith('.e2e.test.ts'))) return { tallies: [], args: [], environment: {} }
  try {
    return { tallies: [], args: [], environment: { SALDO_TEST_CHROMIUM: await ensureChromium(onProgress) } }
  } catch (error) {
    print(`✗ browser tests: ${error instanceof Error ? error.message : String(error)}\n`)
    return { tallies: [FAILED], args: ['--exclude=test/e2e/**'], environment: {} }
  }
}

/** Runs one of the packages' programs; answers its exit code and, unless it was shown, what it printed. */
function run(
  [program = '', ...args]: string[],
  options: { show: boolean; environment?: NodeJS.ProcessEnv },
): Promise<{ code: number | null; output: string }> {
  const bin = join(root, 'node_modules', '.bin')
  const child = spawn(join(bin, program), args, {
    cwd: root,
    // The programs of packages look for `node` on the path, and must find the pinned one.
    env: { ...(options.environment ?? process.env), PATH: `${bin}${delimiter}${process.env.PATH}` },
    stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    signal: stopped.signal,
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, output: `${output}${error.message}` }))
    child.once('close', (code) => resolve({ code, output }))
  })
}

function onProgress(text: string): void {
  print(`${text}\n`)
}

function print(text: string): void {
  process.stdout.write(text)
}
