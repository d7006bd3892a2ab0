import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'csv-parse'
import { UsageError } from '../commands/command.ts'

/** A field of tens of comments is long; a megabyte is a quotation mark that was not closed. */
const RECORD_CHARS_MAX = 1_000_000

/** Batches end here too: a thousand rows may be a thousand megabytes. */
const BATCH_CHARS_MAX = 4_000_000

/** A row of a table, by its columns' names, and the line of the file that it begins in. */
export interface TableRow {
  line: number
  fields: Readonly<Record<string, string>>
}

/** The file of a table in a folder. Throws UsageError where it cannot be read. */
export async function tableIn(folder: string, name: string): Promise<string> {
  const file = join(folder, `${name}.csv`)
  await access(file).catch(() => {
    throw new UsageError(
      `${file} cannot be read. A folder to take over from has users, providers, services and orders, each as .csv.`,
    )
  })
  return file
}

/**
 * Reads a table in batches, of `batch_max` rows at the most and fewer where they are long: CSV as RFC 4180 has it, UTF-8, the first line the names of its columns, which `columns` must be among. Throws UsageError for a
 * column that is missing and where the file is no such table, with the line.
 */
export async function* readTable(
  file: string,
  columns: readonly string[],
  batch_max: number,
): AsyncGenerator<TableRow[]> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: RECORD_CHARS_MAX,
    skip_empty_lines: true,
    columns: (header: string[]) => {
      const names = header.map((name) => name.trim().toLowerCase())
      const missing = columns.filter((name) => !names.includes(name))
      if (missing.length > 0) throw new UsageError(`${file} has no column ${missing.join(', ')}.`)
      return names
    },
  })
  const source = createReadStream(file, 'utf8')
  source.once('error', (error) => parser.destroy(error))
  source.pipe(parser)
  let batch: TableRow[] = []
  let chars = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      batch.push({ line: info.lines, fields: record })
      for (const name in record) chars += record[name]?.length ?? 0
      if (batch.length < batch_max && chars < BATCH_CHARS_MAX) continue
      yield batch
      batch = []
      chars = 0
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (batch.length > 0) yield batch
}

interface Parsed {
  record: Record<string, string>
  info: { lines: number }
}
