import { dropTestDatabases, prepareTemplate } from './database.ts'

/** Before the first test: the template database with every migration applied. After the last: what was cloned goes. */
export async function setup(): Promise<() => Promise<void>> {
  await prepareTemplate()
  return dropTestDatabases
}
