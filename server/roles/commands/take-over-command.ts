import { createWriteStream, type WriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { formatAmount } from '#server/kit/money.ts'
import { CSV_START, csvLine } from '#server/platform/http/csv.ts'
import { type RefusedRow, type TableName, type TableReport, takeOver } from '../take-over/take-over.ts'
import { SALE_SCALE } from '../take-over/take-over-rows.ts'
import { type Command, print, readArguments, readYesNo, say, UsageError, withSaldo } from './command.ts'

/** Rows refused that are shown; all of them are in the file that --refused names. */
const SHOWN_MAX = 20
const BAR_CHARS = 30

/** `saldo take-over` */
export const takeOverCommand: Command = {
  arguments: '<folder> [--dry-run yes] [--source panel] [--refused refused.csv]',
  summary: 'Take over customers, providers, services, orders and balances of another panel; may run again',
  details: [
    'The folder has users.csv (id, email, balance), providers.csv (id, name, url, key), services.csv (id, name, rate, min, max, provider_id,',
    'provider_service_id, cost) and orders.csv (id, user_id, service_id, link, quantity, charge, status, remains, provider_order_id, created_at);',
    'docs/take-over.md tells of every column. Services and orders keep their numbers. --dry-run yes does all of it and takes it back.',
    '--source names the other panel, where there is more than one. --refused is a file for the rows that were not taken, with the reasons.',
  ],
  run: (args, config) => {
    const { options, positionals } = readArguments(args, ['dry-run', 'source', 'refused'], { min: 1, max: 1 })
    const dry_run = readYesNo(options, 'dry-run') ?? false
    const source = options.source ?? 'panel'
    if (!/^[a-z0-9-]{1,40}$/.test(source))
      throw new UsageError('--source is a word of small letters, digits and dashes.')
    return withSaldo(config, async (saldo) => {
      const refused = new RefusedRows(options.refused)
      const progress = new Progress()
      const reports = await takeOver(saldo, {
        folder: positionals[0] as string,
        source,
        dry_run,
        onRefused: (row) => refused.add(row),
        onProgress: (table, rows, of) => progress.show(table, rows, of),
      })
      progress.end()
      await refused.end()
      for (const [table, report] of Object.entries(reports)) print(lineOf(table as TableName, report))
      if (dry_run) print('A dry run: nothing was kept.')
      return Object.values(reports).some((report) => report.refused > 0) ? 1 : 0
    })
  },
}

function lineOf(table: TableName, { rows, taken, there, refused, amount }: TableReport): string {
  const counts = `${table}: ${rows} rows, ${taken} taken over, ${there} already here, ${refused} refused`
  if (table === 'users') return `${counts}; balances of ${formatAmount(amount, SALE_SCALE, 2)} USD`
  if (table === 'orders') return `${counts}; ${formatAmount(amount, SALE_SCALE, 2)} USD held for open ones`
  return counts
}

/** Says what was refused, and writes it down where it is wanted. */
class RefusedRows {
  readonly #file: WriteStream | undefined
  readonly #written: Promise<void> | undefined
  #count = 0

  constructor(path: string | undefined) {
    if (path === undefined) return
    this.#file = createWriteStream(path)
    this.#written = finished(this.#file)
    this.#file.write(`${CSV_START}${csvLine(['table', 'line', 'id', 'reason'])}`)
  }

  add({ table, line, id, reason }: RefusedRow): void {
    this.#count += 1
    this.#file?.write(csvLine([table, String(line), id, reason]))
    if (this.#count <= SHOWN_MAX) say(`${table}.csv, line ${line}, id ${id}: ${reason}`)
  }

  async end(): Promise<void> {
    if (this.#count > SHOWN_MAX) say(`… and ${this.#count - SHOWN_MAX} more rows refused.`)
    this.#file?.end()
    await this.#written
  }
}

/** A bar that is drawn over itself, for a person who waits; nothing where nobody looks. */
class Progress {
  #drawn = false

  show(table: TableName, rows: number, of: number | undefined): void {
    if (!process.stderr.isTTY) return
    const share = of === undefined || of === 0 ? undefined : rows / of
    const full = Math.round((share ?? 0) * BAR_CHARS)
    const bar =
      share === undefined ? '' : ` [${'#'.repeat(full)}${'.'.repeat(BAR_CHARS - full)}] ${Math.floor(share * 100)} %`
    process.stderr.write(`\r\u001B[K${table}${bar} ${rows}${of === undefined ? '' : ` of ${of}`}`)
    this.#drawn = true
  }

  end(): void {
    if (this.#drawn) process.stderr.write('\r\u001B[K')
  }
}
