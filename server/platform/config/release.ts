import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
  version: string
}

/** This version of the product, as failures are told with: `saldo@0.1.0`. */
export const RELEASE = `saldo@${version}`
