import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import { ensurePgbench } from '#tools/ensure-system-packages.ts'

const execute = promisify(execFile)

const SCALE = '20'
const CLIENTS = '16'
const SECONDS = '6'

/**
 * What everything is measured by: transactions a second of pgbench's TPC-B-like script, 16 clients, prepared, scale 20, over the same connection as ours.
 * Absolute figures drift from machine to machine; ratios to this one hold. Its tables are dropped again, and a checkpoint gives its log files back for use: what is
 * measured next begins with some, as on a server that has been at work for a while, and does not wait for each to be made.
 */
export async function measureYardstick(url: string, say: (text: string) => void): Promise<number> {
  const pgbench = await ensurePgbench(say)
  say('Measuring the yardstick: pgbench, TPC-B-like …')
  await execute(pgbench, ['--initialize', '--quiet', '--scale', SCALE, url])
  const load = ['--client', CLIENTS, '--time', SECONDS, '--protocol', 'prepared']
  const { stdout } = await execute(pgbench, [...load, url])
  await execute(pgbench, ['--initialize', '--init-steps', 'd', url])
  await checkpoint(url)
  const tps = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1])
  if (!(tps > 0)) throw new Error(`pgbench told no tps: ${stdout}`)
  return tps
}

async function checkpoint(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('checkpoint')
  } finally {
    await client.end()
  }
}
