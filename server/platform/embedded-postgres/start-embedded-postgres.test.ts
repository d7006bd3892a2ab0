import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { copyOfHome, emptyHome, preparedHome, queryOnce, startOwner } from '#test/support/embedded-postgres.ts'
import { SMALL } from '#test/support/embedded-postgres-settings.ts'
import { DataInUseError, EmbeddedPostgresError } from './errors.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'

const as_root = process.getuid?.() === 0

let prepared: string
beforeAll(async () => {
  prepared = await preparedHome()
})
afterAll(() => rm(prepared, { recursive: true, force: true }))

describe('the first start', () => {
  test('prepares the data, says so, and answers with the database saldo in UTF-8, durable, with checksums', async () => {
    const { home, heard, postgres } = await start(await emptyHome())
    expect(heard).toEqual(['Preparing the data folder of PostgreSQL (first start only) …', 'Starting PostgreSQL …'])
    const [row] = await queryOnce(
      postgres.url,
      `select current_database() as database, current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as commit, current_setting('data_checksums') as checksums,
        current_setting('max_connections') as connections, current_setting('server_version_num')::int / 10000 as major`,
    )
    expect(row).toEqual({
      ...{ database: 'saldo', encoding: 'UTF8', fsync: 'on', commit: 'on', checksums: 'on' },
      ...{ connections: '200', major: 18 },
    })
    expect(postgres.data_directory).toBe(join(home, 'postgres', 'data'))
    expect((await stat(join(home, 'postgres.log'))).mode & 0o777).toBe(0o600)
  })

  test('makes a home that is missing, under a name with blanks, quotes and commas', async () => {
    const { postgres } = await start(join(await emptyHome(), "my 'own', home"))
    expect(await queryOnce(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('works where the path is too long for a socket, which then has a folder of its own under /tmp for as long', async () => {
    const { postgres } = await start(await copyOf(join(await emptyHome(), 'deep'.repeat(40))))
    const [row] = await queryOnce<{ sockets: string }>(
      postgres.url,
      `select current_setting('unix_socket_directories') as sockets`,
    )
    const sockets = row?.sockets.replaceAll('"', '') ?? ''
    expect(sockets).toMatch(/^\/tmp\/saldo-/)
    expect((await stat(sockets)).mode & 0o777).toBe(0o700)
    await postgres.stop()
    await expect(stat(sockets)).rejects.toThrow('ENOENT')
  })
})

test('a later start finds the rows and the port of the one before', async () => {
  const first = await start(await copyOfHome(prepared))
  await queryOnce(first.postgres.url, 'create table kept as select 42 as answer')
  await first.postgres.stop()
  const second = await start(first.home)
  expect(second.heard).toEqual(['Starting PostgreSQL …'])
  expect(second.postgres.url).toBe(first.postgres.url)
  expect(await queryOnce(second.postgres.url, 'select answer from kept')).toEqual([{ answer: 42 }])
})

test('only the password opens it, only on loopback, and only its user enters the folder of the socket', async () => {
  const { home, postgres } = await start(await copyOfHome(prepared))
  const wrong = new URL(postgres.url)
  wrong.password = 'guess'
  await expect(queryOnce(wrong.toString(), 'select 1')).rejects.toMatchObject({ code: '28P01' })
  const [row] = await queryOnce<{ listen: string; sockets: string }>(
    postgres.url,
    `select current_setting('listen_addresses') as listen, current_setting('unix_socket_directories') as sockets`,
  )
  expect(row?.listen).toBe('127.0.0.1')
  const sockets = row?.sockets.replaceAll('"', '') ?? ''
  expect((await stat(sockets)).mode & 0o777).toBe(0o700)
  expect((await stat(join(home, 'postgres', 'password'))).mode & 0o777).toBe(0o600)
  expect((await stat(postgres.data_directory)).mode & 0o777).toBe(0o700)
  const by_socket = new pg.Client({
    host: sockets,
    port: Number(wrong.port),
    user: 'saldo',
    password: 'guess',
  })
  await expect(by_socket.connect()).rejects.toMatchObject({ code: '28P01' })
})

test.runIf(as_root)("started by root, it runs as nobody, without root's groups", async () => {
  const { postgres } = await start(await copyOfHome(prepared))
  const status = await readFile(`/proc/${postgres.pid}/status`, 'utf8')
  const [, uid] = /^nobody:[^:]*:(\d+)/m.exec(await readFile('/etc/passwd', 'utf8')) ?? []
  expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'))
  expect(status).toMatch(/^Groups:\s*$/m)
})

test.runIf(as_root)(
  'where nobody cannot enter the home, the data goes to the state folder and the log says where',
  async () => {
    const state_directory = await emptyHome()
    const { home, heard, postgres } = await start(await emptyHome(0o700), { state_directory })
    expect(postgres.data_directory.startsWith(`${state_directory}/`)).toBe(true)
    expect(heard[0]).toBe(
      `The data lies in ${join(postgres.data_directory, '..')}, for the user nobody cannot enter ${home}.`,
    )
    expect(await queryOnce(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
  },
)

describe('a second start on the same data', () => {
  test("is refused with the folder and the owner's pid, and does not disturb the owner", async () => {
    const home = await copyOfHome(prepared)
    const owner = await startOwner(home)
    const refused = await startEmbeddedPostgres({ home, onProgress: () => {} }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(DataInUseError)
    expect(refused).toMatchObject({
      owner_pid: owner.process.pid,
      data_directory: join(home, 'postgres', 'data'),
      url: owner.url,
    })
    expect(String(refused)).toContain(`${join(home, 'postgres', 'data')} (process ${owner.process.pid})`)
    expect(await queryOnce(owner.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  test('is refused within one process too, and is allowed once the first has stopped', async () => {
    const { home, postgres } = await start(await copyOfHome(prepared))
    await expect(startEmbeddedPostgres({ home, onProgress: () => {} })).rejects.toThrow(DataInUseError)
    // The refusal must not have loosened the lock of the first.
    await expect(startEmbeddedPostgres({ home, onProgress: () => {} })).rejects.toThrow(DataInUseError)
    await postgres.stop()
    await start(home)
  })

  test('lets exactly one of two win that start at once', async () => {
    const home = await copyOfHome(prepared)
    const outcomes = await Promise.allSettled([start(home), start(home)])
    expect(outcomes.map((each) => each.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find((each) => each.status === 'rejected')?.reason).toBeInstanceOf(DataInUseError)
  })
})

test('takes another port where that of the last time is busy', async () => {
  const first = await start(await copyOfHome(prepared))
  await first.postgres.stop()
  const port = Number(new URL(first.postgres.url).port)
  const stranger = createServer()
  onTestFinished(() => {
    stranger.close()
  })
  await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve))
  const second = await start(first.home)
  expect(new URL(second.postgres.url).port).not.toBe(String(port))
  expect(await queryOnce(second.postgres.url, 'select 1 as one')).toEqual([{ one: 1 }])
})

describe('what cannot be started is told in plain words', () => {
  test('with the end of the log when PostgreSQL gives up', async () => {
    const home = await copyOfHome(prepared)
    await rm(join(home, 'postgres', 'data', 'global', 'pg_control'))
    const error = await refusal(home)
    expect(error.message).toContain(`The end of ${join(home, 'postgres.log')}:`)
    expect(error.message).toContain('pg_control')
  })

  test.runIf(canMount())('when the disk is full, at the first start and later', async () => {
    const small = await smallDisk(20)
    expect((await refusal(small)).message).toContain('the disk is full')
    const fits = await smallDisk(160)
    execFileSync('cp', ['-a', `${prepared}/.`, fits])
    const rest = await statfs(fits)
    await writeFile(join(fits, 'filler'), Buffer.alloc(rest.bavail * rest.bsize))
    expect((await refusal(fits)).message).toContain('the disk is full')
    await rm(join(fits, 'filler'))
    await start(fits)
  })

  test('when a setting is wrong', async () => {
    const error = await refusal(await copyOfHome(prepared), { shared_buffers: 'plenty' })
    expect(error.message).toContain('invalid value for parameter "shared_buffers": "plenty"')
  })

  test('when the home is a file', async () => {
    const file = join(await emptyHome(), 'home')
    await writeFile(file, '')
    expect((await refusal(file)).message).toBe(`Saldo cannot write to ${file}: a file of that name is in the way.`)
    expect((await refusal(join(file, 'deeper'))).message).toContain('a part of that path is a file')
  })

  test('when the data are of another version of PostgreSQL', async () => {
    const home = await copyOfHome(prepared)
    await writeFile(join(home, 'postgres', 'data', 'PG_VERSION'), '17\n')
    expect((await refusal(home)).message).toContain('was made by PostgreSQL 17')
  })

  test("when the password is gone, or the data folder is somebody else's", async () => {
    const home = await copyOfHome(prepared)
    await rm(join(home, 'postgres', 'password'))
    expect((await refusal(home)).message).toContain(`${join(home, 'postgres', 'password')} is missing`)
    const other = await emptyHome()
    await mkdir(join(other, 'postgres', 'data'), { recursive: true })
    expect((await refusal(other)).message).toContain('is not a data folder of PostgreSQL')
  })
})

/** Only a disk of its own can be filled: a small one in memory. Mounting it takes root, and is forbidden in some containers. */
function canMount(): boolean {
  const tried =
    as_root &&
    spawnSync('/usr/bin/unshare', ['--mount', '/bin/mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' })
  return tried !== false && tried.status === 0
}

async function smallDisk(mib: number): Promise<string> {
  const home = await emptyHome()
  execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=755`, 'none', home])
  // Before `emptyHome` removes the folder.
  onTestFinished(() => {
    execFileSync('/bin/umount', ['--lazy', home])
  })
  return home
}

async function copyOf(home: string): Promise<string> {
  const copy = await copyOfHome(prepared)
  await rename(copy, home)
  return home
}

async function refusal(home: string, settings: Record<string, string> = SMALL): Promise<Error> {
  const error = await startEmbeddedPostgres({ home, onProgress: () => {}, settings }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(EmbeddedPostgresError)
  return error as Error
}

async function start(home: string, options: { state_directory?: string } = {}) {
  const heard: string[] = []
  const onProgress = (text: string) => heard.push(text)
  const postgres = await startEmbeddedPostgres({ home, onProgress, settings: SMALL, ...options })
  onTestFinished(() => postgres.stop())
  return { home, heard, postgres }
}
