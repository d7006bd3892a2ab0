#!/usr/bin/env node
// Runs a TypeScript file on the Node version that the project pins, whatever Node started this one (20.19 or newer).
// Installs the packages first where they are missing or not those of the lock file. Plain JavaScript, for it runs before anything is installed.
//   node tools/launch.mjs [--watch] <file> [arguments]
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const modules = join(root, 'node_modules')
// Written when an installation is complete; what it says is compared with the lock file of today.
const stamp = join(modules, '.saldo-installed')
// There while an installation is under way, and so after one that was cut off.
const unfinished = join(modules, '.saldo-installing')
// Packages of another system or processor are as good as none.
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform} ${process.arch}`)
  .digest('hex')

// Who they are is known only while they live, so it is asked before anything takes time.
const parent = process.ppid
const npm = isShell(parent) ? parentOf(parent) : undefined

const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
// Batches of thousands of short-lived values: with a larger nursery they die there, which saves a good part of the collector's time. And the house's code and what it keeps
// in memory take 65 MB: an old space that begins not far above is collected whole again and again, and all who wait then wait 15 to 45 ms longer.
const NODE_OPTIONS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=32',
  '--initial-old-space-size=160',
]

const say = (text) => process.stderr.write(`${text}\n`)
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) fail(`Saldo starts with Node 20.19 or newer; this is ${process.versions.node}.`)
if (!isInstalled()) await installAlone()
launch()

/** Of those who start at once, one installs and the others wait for it. */
async function installAlone() {
  const gate = await enter()
  if (!isInstalled()) await install(gate)
  gate.close()
}

/**
 * Whoever listens on this name may install. The kernel frees a name with the last process that has it open, so it cannot go stale.
 * Linux has names beside the file system; elsewhere a port does.
 */
async function enter() {
  const id = createHash('sha256').update(root).digest('hex')
  const name =
    process.platform === 'linux'
      ? { path: `\0saldo-install-${id}` }
      : { host: '127.0.0.1', port: 20_000 + (Number.parseInt(id.slice(0, 8), 16) % 10_000) }
  for (let tries = 0; ; tries++) {
    const gate = createServer()
    const error = await new Promise((resolve) => {
      gate.once('error', resolve)
      gate.listen(name, () => resolve(undefined))
    })
    if (error === undefined) return gate
    if (error.code !== 'EADDRINUSE') fail(`Cannot tell whether packages are being installed already: ${error.message}`)
    if (tries === 0) say('Packages are being installed by another start; waiting for it …')
    if (tries === 3_000) fail('Another start has been installing packages for ten minutes. Stop it and start again.')
    await wait(200)
  }
}

async function install(gate) {
  say('Installing packages (once; about half a minute) …')
  // npm believes what lies in node_modules, half a package too. Only what a finished npm left, which wrote its list, is built upon.
  const is_whole = existsSync(join(modules, '.package-lock.json')) && !existsSync(unfinished)
  if (!is_whole) rmSync(modules, { recursive: true, force: true })
  mkdirSync(modules, { recursive: true })
  rmSync(stamp, { force: true })
  writeFileSync(unfinished, '')
  // Whatever npm is set to leave out elsewhere, the tools of development and the packages of this system are needed here.
  const args = ['install', '--no-save', '--include=dev', '--include=optional', '--loglevel=error']
  // npm holds the gate too, so that nobody enters while it goes on after this process was killed.
  const installer = spawn('npm', args, { cwd: root, stdio: ['ignore', 2, 2, gate._handle.fd] })
  const ended = await new Promise((resolve) => {
    installer.once('error', (error) => resolve(error.message))
    installer.once('exit', (code, signal) => resolve(code === 0 ? undefined : `it ended with ${code ?? signal}`))
  })
  if (ended !== undefined) {
    fail(
      `npm could not install the packages: ${ended}. What it said is above.\n` +
        'Packages come from the registry of `npm config get registry`, which must be reachable. Then start again.',
    )
  }
  rmSync(unfinished, { force: true })
  writeFileSync(stamp, wanted)
}

function launch() {
  const args = process.argv.slice(2)
  const watching = args[0] === '--watch'
  if (watching) args.shift()
  const pinned = join(modules, '.bin', 'node')
  if (!existsSync(pinned) && major < 24) {
    fail(`No packaged Node comes for ${process.platform} on ${process.arch}. Install Node 24 and start again.`)
  }
  let child
  let stopping = false
  let changed = false
  const start = () => {
    changed = false
    child = spawn(existsSync(pinned) ? pinned : process.execPath, [...NODE_OPTIONS, ...args], {
      cwd: root,
      // The channel tells the child when this process is gone, however it went.
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    child.once('error', (error) => fail(`Cannot run ${pinned}: ${error.message}`))
    child.once('exit', (code, signal) => {
      child = undefined
      if (changed && !stopping) start()
      else if (!watching || stopping) process.exit(signal ? 128 + constants.signals[signal] : code)
    })
  }
  const stop = (signal) => {
    stopping = true
    if (child) child.kill(signal)
    else process.exit(128 + constants.signals[signal])
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
  stopWithNpm(stop)
  if (watching) restartOnChange()
  start()

  // Our own and not Node's --watch, which passes neither the channel on nor the time that a graceful stop takes.
  function restartOnChange() {
    let timer
    for (const folder of ['server', 'sandbox', 'db'].map((each) => join(root, each)).filter((each) => existsSync(each))) {
      watch(folder, { recursive: true }, () => {
        clearTimeout(timer)
        timer = setTimeout(() => {
          say('Something changed; starting again …')
          changed = true
          if (child) child.kill('SIGTERM')
          else start()
        }, 200)
      })
    }
  }
}

/**
 * npm starts us through a shell that passes no signal on: killing npm would end npm and that shell, and leave us running unseen.
 * So, started by npm, we stop when either of them is gone.
 */
function stopWithNpm(stop) {
  if (!process.env.npm_lifecycle_event) return
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || parentOf(parent) === npm)) return
    clearInterval(timer)
    stop('SIGTERM')
  }, 250)
}

function isShell(pid) {
  return /^(sh|ash|dash|bash)$/.test(readProc(pid, 'comm').trim())
}

function parentOf(pid) {
  // "1234 (a name) S 1200 …", where the name may hold anything.
  return readProc(pid, 'stat').split(') ').at(-1).split(' ')[1]
}

function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // The process is gone, or this system has no /proc; there the shell alone is watched.
    return ''
  }
}

function fail(message) {
  say(message)
  process.exit(1)
}
