import { beginRun } from './database.ts'

/** Before the first test: this run is known on the server, and what dead runs left is gone. After the last: what it made goes. */
export async function setup(): Promise<() => Promise<void>> {
  return beginRun()
}
