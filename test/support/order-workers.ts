import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { Shop } from './shop.ts'

const PROGRAM = join(import.meta.dirname, '../crash/order-worker.ts')

/** Starts what a worker does with the orders of a shop on the database at `url`, as a process of its own that may be killed; answers when it works. */
export async function startOrderWorker(shop: Shop, url: string): Promise<ChildProcess> {
  const worker = fork(PROGRAM, [url, shop.app.config.home])
  onTestFinished(() => void worker.kill('SIGKILL'))
  const died = once(worker, 'exit').then(() => {
    throw new Error('a worker ended before it began')
  })
  await Promise.race([once(worker, 'message'), died])
  died.catch(() => {
    // From now on its end is what the test is about.
  })
  return worker
}

/** Stops a worker in good order. */
export async function stopOrderWorker(worker: ChildProcess): Promise<void> {
  const ended = once(worker, 'exit')
  worker.send('stop')
  expect(await ended).toEqual([0, null])
}
