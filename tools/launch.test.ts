import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emptyHome, until } from '#test/support/embedded-postgres.ts'

test('installs the packages once, passes the arguments on, and installs nothing the next time', async () => {
  const project = await setup()
  const first = await launch(project, ['print.mjs', '--help', 'a b', '-x']).ended
  expect(first).toMatchObject({ code: 0, stdout: '["--help","a b","-x"]\n' })
  expect(first.stderr).toContain('Installing packages')
  const second = await launch(project, ['print.mjs']).ended
  expect(second).toMatchObject({ code: 0, stdout: '[]\n', stderr: '' })
})

test('of several starts at once one installs, and all run', async () => {
  const project = await setup()
  const ended = await Promise.all([1, 2, 3, 4].map((each) => launch(project, ['print.mjs', String(each)]).ended))
  expect(ended.map((each) => each.stdout)).toEqual(['["1"]\n', '["2"]\n', '["3"]\n', '["4"]\n'])
  expect(ended.filter((each) => each.stderr.includes('Installing packages'))).toHaveLength(1)
})

test('a changed lock file and an installation that was cut off are installed again', async () => {
  const project = await setup()
  await launch(project, ['print.mjs']).ended
  const lock = join(project, 'package-lock.json')
  await writeFile(lock, `${await readFile(lock, 'utf8')}\n`)
  expect((await launch(project, ['print.mjs']).ended).stderr).toContain('Installing packages')
  // What an installation leaves that was killed: its mark, and packages of which nobody knows whether they are whole.
  await rm(join(project, 'node_modules', '.saldo-installed'))
  await writeFile(join(project, 'node_modules', '.saldo-installing'), '')
  await mkdir(join(project, 'node_modules', 'half-a-package'))
  expect(await launch(project, ['print.mjs']).ended).toMatchObject({ code: 0 })
  await expect(stat(join(project, 'node_modules', 'half-a-package'))).rejects.toThrow('ENOENT')
})

test('while npm works on though its launcher was killed, the next start waits for it', async () => {
  const project = await setup()
  const { registry, asked } = await hangingRegistry()
  await depend(project)
  const first = launch(project, ['print.mjs'], { npm_config_registry: registry })
  await asked
  const gone = new Promise((resolve) => first.process.once('exit', resolve))
  first.process.kill('SIGKILL')
  await gone
  const second = launch(project, ['print.mjs'], { npm_config_registry: registry })
  await until(async () => second.stderr().includes('waiting for it'))
  second.process.kill('SIGTERM')
  expect((await second.ended).stderr).not.toContain('Installing')
})

test('npm that fails is told with the way out, and the next start tries again', async () => {
  const project = await setup()
  await depend(project)
  const broken = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' }
  for (let tries = 1; tries <= 2; tries++) {
    const ended = await launch(project, ['print.mjs'], broken).ended
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('npm could not install the packages')
  }
})

test('without npm it says so', async () => {
  const ended = await launch(await setup(), ['print.mjs'], { PATH: '/nowhere' }).ended
  expect(ended.code).toBe(1)
  expect(ended.stderr).toContain('npm could not install the packages: spawn npm ENOENT')
})

test('ends with the code of the program, and with 128 and the signal that killed it', async () => {
  const project = await setup()
  expect((await launch(project, ['exit.mjs', '7']).ended).code).toBe(7)
  expect((await launch(project, ['exit.mjs', 'SIGKILL']).ended).code).toBe(128 + 9)
})

test('passes signals on and waits for the program to end as it wants', async () => {
  const launched = launch(await setup(), ['server.mjs'])
  await until(async () => launched.stdout().includes('ready'))
  launched.process.kill('SIGTERM')
  expect(await launched.ended).toMatchObject({ code: 5, stdout: 'ready\nSIGTERM\n' })
})

test('a launcher killed with -9 is noticed by the program', async () => {
  const launched = launch(await setup(), ['server.mjs'])
  await until(async () => launched.stdout().includes('ready'))
  launched.process.kill('SIGKILL')
  // The streams end when the program has ended, which is now nobody's child.
  expect((await launched.ended).stdout).toBe('ready\ndisconnect\n')
})

test.runIf(process.platform === 'linux').each(['SIGTERM', 'SIGKILL'] as const)(
  'npm that started it and is ended by %s takes the program along, which ends as it wants',
  async (signal) => {
    const project = await setup()
    await launch(project, ['print.mjs']).ended
    const npm = spawn('npm', ['--silent', 'start'], { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => {
      npm.kill('SIGKILL')
    })
    let stdout = ''
    npm.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    const ended = new Promise((resolve) => npm.stdout.once('end', resolve))
    await until(async () => stdout.includes('ready'))
    npm.kill(signal)
    await ended
    expect(stdout).toBe('ready\nSIGTERM\n')
  },
)

test('watching, it restarts the program when a source changes, and stops with it', async () => {
  const project = await setup()
  await mkdir(join(project, 'server'))
  const launched = launch(project, ['--watch', 'server.mjs'])
  await until(async () => launched.stdout() === 'ready\n')
  await writeFile(join(project, 'server', 'new.ts'), '')
  await until(async () => launched.stdout() === 'ready\nSIGTERM\nready\n')
  launched.process.kill('SIGINT')
  expect(await launched.ended).toMatchObject({ code: 5, stdout: 'ready\nSIGTERM\nready\nSIGINT\n' })
})

const SERVER = `
const end = (why) => { console.log(why); process.exit(5) }
for (const why of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(why, () => end(why))
setInterval(() => {}, 60_000)
console.log('ready')
`

const EXIT = `
const how = process.argv[2]
if (how.startsWith('SIG')) process.kill(process.pid, how)
else process.exit(Number(how))
`

/** A project of its own: the launcher, no packages to install, and programs to launch. */
async function setup(): Promise<string> {
  const project = await emptyHome()
  const scripts = { start: 'node tools/launch.mjs server.mjs' }
  const manifest = { name: 'launched', version: '1.0.0', scripts }
  const lock = { ...manifest, lockfileVersion: 3, requires: true, packages: { '': manifest } }
  await mkdir(join(project, 'tools'))
  await copyFile(join(import.meta.dirname, 'launch.mjs'), join(project, 'tools', 'launch.mjs'))
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(project, 'package-lock.json'), JSON.stringify(lock))
  await writeFile(join(project, 'print.mjs'), 'console.log(JSON.stringify(process.argv.slice(2)))')
  await writeFile(join(project, 'server.mjs'), SERVER)
  await writeFile(join(project, 'exit.mjs'), EXIT)
  return project
}

/** Makes the project need a package, which is in no cache. */
async function depend(project: string): Promise<void> {
  const dependencies = { 'saldo-package-that-nobody-has': '1.0.0' }
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'launched', version: '1.0.0', dependencies }))
}

/** A registry that takes a question and never answers it. */
async function hangingRegistry(): Promise<{ registry: string; asked: Promise<void> }> {
  const asked = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    onTestFinished(() => {
      socket.destroy()
    })
    socket.on('error', () => {})
    asked.resolve()
  })
  onTestFinished(() => {
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { registry: `http://127.0.0.1:${address.port}/`, asked: asked.promise }
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function launch(
  project: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): { process: ChildProcess; ended: Promise<Ended>; stdout(): string; stderr(): string } {
  const child = spawn(process.execPath, [join(project, 'tools', 'launch.mjs'), ...args], {
    env: { ...process.env, npm_config_fetch_retries: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { process: child, ended, stdout: () => stdout, stderr: () => stderr }
}
