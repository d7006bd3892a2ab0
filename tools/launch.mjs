#!/usr/bin/env node
// Runs a TypeScript file on the Node version that the project pins, whatever Node started this one (20.19 or newer).
// Installs the packages first when they are missing or older than the lock file. Plain JavaScript: it must run before anything is installed.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.saldo-lock')

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.error('Installing packages (once; about half a minute) …')
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (npm.status !== 0) {
    console.error('npm install failed; see above.')
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}

const node = join(root, 'node_modules', '.bin', 'node')
const [first, ...rest] = process.argv.slice(2)
const args = first === '--watch' ? ['--watch', '--watch-preserve-output', ...rest] : [first, ...rest]
const child = spawn(existsSync(node) ? node : process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
  cwd: root,
  // The channel tells the child when this process is gone, however it went.
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1)
})
