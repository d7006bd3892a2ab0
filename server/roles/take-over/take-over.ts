import { forgetServices } from '#server/domains/catalog/sellable-services.ts'
import { SALE_ASSET } from '#server/domains/catalog/service.ts'
import { keepServiceNumbers, takeOverServices } from '#server/domains/catalog/take-over-services.ts'
import { hashPassword } from '#server/domains/identity/accounts/password.ts'
import { takeOverCustomers } from '#server/domains/identity/accounts/take-over-customers.ts'
import { prepaidAt, walletOf } from '#server/domains/orders/accounts.ts'
import { takeOverBalances } from '#server/domains/orders/take-over/take-over-balances.ts'
import { keepNumbers, TAKE_OVER_ORDERS_MAX, takeOverOrders } from '#server/domains/orders/take-over/take-over-orders.ts'
import { addProvider } from '#server/domains/providers/add-provider.ts'
import type { ProviderRow } from '#server/domains/providers/provider-row.ts'
import type { NewProvider } from '#server/domains/providers/provider-settings.ts'
import { listProviders } from '#server/domains/providers/queries.ts'
import { refuseOutsideOfSandbox } from '#server/domains/providers/sandbox-address.ts'
import { newSecret } from '#server/kit/id.ts'
import type { Tx } from '#server/platform/db/database.ts'
import { ProblemError } from '#server/platform/http/problem.ts'
import { commandActor } from '../commands/command.ts'
import type { Saldo } from '../open-saldo.ts'
import { readTable, type TableRow, tableIn } from './read-table.ts'
import { FieldError, highestId, optionalAmount } from './table-fields.ts'
import {
  COLUMNS,
  type KnownProvider,
  type KnownService,
  type ProviderTableRow,
  readOrder,
  readProvider,
  readService,
  readUser,
} from './take-over-rows.ts'

const TABLES = ['users', 'providers', 'services', 'orders'] as const
export type TableName = (typeof TABLES)[number]

const USERS_MAX = 1_000
/** Providers and services are written in one transaction, and known to all orders: this bounds both. */
const SERVICES_MAX = 50_000
const PROVIDERS_MAX = 1_000

/** What became of the rows of a table. Amounts in micro-USD: of `users` what their balances were opened with, of `orders` what is held for open ones. */
export interface TableReport {
  rows: number
  taken: number
  there: number
  refused: number
  amount: bigint
}

/** A row that was not taken over, and why. */
export interface RefusedRow {
  table: TableName
  line: number
  id: string
  reason: string
}

export interface TakeOver {
  folder: string
  /** Names the other system in the ledger's keys: what was taken over from it once is not again. */
  source: string
  /** Do all of it, and take it back. */
  dry_run: boolean
  onRefused: (row: RefusedRow) => void
  /** Rows read of a table so far, and of how many; the count of rows is known for orders alone. */
  onProgress: (table: TableName, rows: number, of: number | undefined) => void
}

/** A dry run ends here. */
class TakenBack extends Error {
  override name = 'TakenBack'
}

/**
 * Takes over customers, providers, services, orders and balances of another system from the tables in a folder; may run again, and then takes what it has not yet.
 * A row that makes no sense is refused by itself. Answers what became of each table's rows. Throws UsageError where a table cannot be read.
 */
export async function takeOver(saldo: Saldo, input: TakeOver): Promise<Record<TableName, TableReport>> {
  const reports = Object.fromEntries(TABLES.map((table) => [table, emptyReport()])) as Record<TableName, TableReport>
  const files = new Map<TableName, string>()
  for (const table of TABLES) files.set(table, await tableIn(input.folder, table))
  const work = new Work(saldo, input, files, reports)
  await work.takeUsers()
  await work.takeProvidersAndServices()
  await work.takeOrders()
  return reports
}

function emptyReport(): TableReport {
  return { rows: 0, taken: 0, there: 0, refused: 0, amount: 0n }
}

/** A row that was read, and what it says. */
interface Read<T> {
  row: TableRow
  value: T
}

/** A provider's row, the provider that it is here, and our balance there in minor units of its currency. */
interface TakenProvider {
  id: bigint
  provider: ProviderRow
  balance: bigint
  was_there: boolean
}

/** Our balance with a provider as the row has it; FieldError below zero, and where the row means another currency than the provider has here. */
function readBalance(fields: TableRow['fields'], settings: NewProvider, { currency, scale }: ProviderRow): bigint {
  if (settings.currency !== currency)
    throw new FieldError('currency', `is ${settings.currency}, and of the provider of this name here ${currency}`)
  const balance = optionalAmount(fields, 'balance', scale) ?? 0n
  if (balance < 0n) throw new FieldError('balance', 'is below zero: settle it there')
  return balance
}

const CHANGED_BALANCE = 'balance: was taken over before with another amount'

/** One run, with what it has learnt of the rows that others refer to. */
class Work {
  readonly #saldo: Saldo
  readonly #input: TakeOver
  readonly #files: ReadonlyMap<TableName, string>
  readonly #reports: Record<TableName, TableReport>
  readonly #now: Date
  readonly #by = commandActor('take-over')
  readonly #users = new Map<bigint, bigint>()
  readonly #providers = new Map<bigint, KnownProvider>()
  readonly #services = new Map<bigint, KnownService>()
  /** Since the last transaction. */
  #refused: RefusedRow[] = []

  constructor(
    saldo: Saldo,
    input: TakeOver,
    files: ReadonlyMap<TableName, string>,
    reports: Record<TableName, TableReport>,
  ) {
    this.#saldo = saldo
    this.#input = input
    this.#files = files
    this.#reports = reports
    this.#now = saldo.app.clock.now()
  }

  async takeUsers(): Promise<void> {
    const password_hash = await hashPassword(this.#saldo.app, newSecret())
    const emails = new Set<string>()
    for await (const rows of this.#read('users', USERS_MAX)) {
      const users = this.#valuesOf('users', rows, (fields) => {
        const user = readUser(fields, this.#now)
        if (emails.has(user.email)) throw new FieldError('email', 'is that of a user before')
        emails.add(user.email)
        return user
      })
      await this.#write(async (tx) => {
        const outcomes = await takeOverCustomers(
          tx,
          users.map((each) => each.value),
          { password_hash, by: this.#by },
        )
        const known: Read<{ id: bigint; user_id: bigint; balance: bigint; was_there: boolean }>[] = []
        for (const [i, { row, value }] of users.entries()) {
          const outcome = outcomes[i]
          if (!outcome?.ok) this.#refuse('users', row, 'email: belongs to a member of staff here')
          else
            known.push({
              row,
              value: { id: value.id, user_id: outcome.id, balance: value.balance, was_there: outcome.was_there },
            })
        }
        await this.#openBalances(tx, known)
      })
    }
  }

  async #openBalances(
    tx: Tx,
    users: Read<{ id: bigint; user_id: bigint; balance: bigint; was_there: boolean }>[],
  ): Promise<void> {
    for (const { value } of users) this.#users.set(value.id, value.user_id)
    const funded = users.filter(({ value }) => value.balance > 0n)
    const balances = funded.map(({ value }) => ({
      account: walletOf(value.user_id, SALE_ASSET),
      amount: value.balance,
      of: `user:${value.id}`,
    }))
    const outcomes = await takeOverBalances(this.#saldo.app.db, tx, this.#input.source, balances)
    const opened = new Map(funded.map((each, i) => [each, outcomes[i]]))
    for (const each of users) {
      const outcome = opened.get(each)
      const { row, value } = each
      if (outcome && !outcome.ok) this.#refuse('users', row, CHANGED_BALANCE)
      else if (outcome ? outcome.was_there : value.was_there) this.#reports.users.there += 1
      else {
        this.#reports.users.taken += 1
        this.#reports.users.amount += value.balance
      }
    }
  }

  /** In one transaction, for services refer to providers, which a dry run takes back. */
  async takeProvidersAndServices(): Promise<void> {
    const { app } = this.#saldo
    const providers = (await this.#all('providers', PROVIDERS_MAX)).flatMap((row) =>
      this.#valuesOf('providers', [row], readProvider),
    )
    const rows = await this.#all('services', SERVICES_MAX)
    const last = highestId(rows)
    if (last > 0n && !this.#input.dry_run) await keepServiceNumbers(app.db, last)
    await this.#write(async (tx) => {
      const here = new Map((await listProviders(tx)).map((each) => [each.name, each]))
      const known: Read<TakenProvider>[] = []
      for (const each of providers) known.push(...(await this.#takeProvider(tx, here, each)))
      await this.#openProviders(tx, known)
      await this.#takeServices(tx, rows)
    })
    await forgetServices(app)
  }

  /** The provider of this name, `here` or added now; none where the row is refused. */
  async #takeProvider(
    tx: Tx,
    here: Map<string, ProviderRow>,
    { row, value: { id, settings } }: Read<ProviderTableRow>,
  ): Promise<Read<TakenProvider>[]> {
    const known = here.get(settings.name)
    try {
      // A refused provider must not take the others with it.
      const taken = await tx.part(async (part) => {
        if (!known) refuseOutsideOfSandbox(this.#saldo.app.config, settings.url)
        const provider = known ?? (await addProvider(part, this.#saldo.secrets, settings, this.#by))
        return { id, provider, balance: readBalance(row.fields, settings, provider), was_there: known !== undefined }
      })
      here.set(settings.name, taken.provider)
      this.#providers.set(id, taken.provider)
      return [{ row, value: taken }]
    } catch (error) {
      if (!(error instanceof ProblemError || error instanceof FieldError)) throw error
      this.#refuse('providers', row, error.message)
      return []
    }
  }

  /** Our balances with the providers; one that Saldo counts already stays as it is counted. */
  async #openProviders(tx: Tx, known: readonly Read<TakenProvider>[]): Promise<void> {
    const funded = known.filter(({ value }) => value.balance > 0n)
    const balances = funded.map(({ value: { id, provider, balance } }) => ({
      account: prepaidAt(provider.id, provider.currency),
      amount: balance,
      of: `provider:${id}`,
      unless_used: true,
    }))
    const outcomes = await takeOverBalances(this.#saldo.app.db, tx, this.#input.source, balances)
    const opened = new Map(funded.map((each, i) => [each, outcomes[i]]))
    for (const each of known) {
      const outcome = opened.get(each)
      if (outcome && !outcome.ok && outcome.refusal === 'changed') this.#refuse('providers', each.row, CHANGED_BALANCE)
      else this.#reports.providers[each.value.was_there ? 'there' : 'taken'] += 1
    }
  }

  async #takeServices(tx: Tx, rows: readonly TableRow[]): Promise<void> {
    const scales = new Map([...this.#providers.values()].map((each) => [each.id, each.scale]))
    const services = this.#valuesOf('services', rows, (fields) => readService(fields, this.#providers))
    const outcomes = await takeOverServices(
      tx,
      this.#saldo.app,
      services.map((each) => each.value),
    )
    for (const [i, { row, value }] of services.entries()) {
      const outcome = outcomes[i]
      if (outcome?.ok) {
        this.#services.set(value.id, { ...value, cost_scale: scales.get(value.provider_id) ?? 0 })
        this.#reports.services[outcome.was_there ? 'there' : 'taken'] += 1
      } else if (outcome?.refusal === 'number_taken')
        this.#refuse('services', row, 'id: another service has this number here')
      else this.#refuse('services', row, "provider_service_id: another service of this house is the provider's same")
    }
  }

  async takeOrders(): Promise<void> {
    const { db } = this.#saldo.app
    let count = 0
    let last = 0n
    for await (const rows of readTable(this.#file('orders'), COLUMNS.orders, TAKE_OVER_ORDERS_MAX)) {
      count += rows.length
      const highest = highestId(rows)
      if (highest > last) last = highest
    }
    if (last > 0n && !this.#input.dry_run) await keepNumbers(db, last)
    for await (const rows of this.#read('orders', TAKE_OVER_ORDERS_MAX, count)) {
      const orders = this.#valuesOf('orders', rows, (fields) =>
        readOrder(fields, { users: this.#users, services: this.#services, now: this.#now }),
      )
      await this.#write(async (tx) => {
        const outcomes = await takeOverOrders(
          db,
          tx,
          this.#input.source,
          orders.map((each) => each.value),
        )
        for (const [i, { row, value }] of orders.entries()) {
          const outcome = outcomes[i]
          if (!outcome?.ok) this.#refuse('orders', row, REFUSED_ORDER[outcome?.refusal ?? 'changed'])
          else if (outcome.was_there) this.#reports.orders.there += 1
          else {
            this.#reports.orders.taken += 1
            if (!outcome.settled) this.#reports.orders.amount += value.charge
          }
        }
      })
    }
  }

  #file(table: TableName): string {
    return this.#files.get(table) as string
  }

  async *#read(table: TableName, batch_max: number, of?: number): AsyncGenerator<TableRow[]> {
    for await (const rows of readTable(this.#file(table), COLUMNS[table], batch_max)) {
      this.#reports[table].rows += rows.length
      yield rows
      this.#input.onProgress(table, this.#reports[table].rows, of)
    }
  }

  /** All rows of a table that must not be long; what is beyond is refused. */
  async #all(table: TableName, rows_max: number): Promise<TableRow[]> {
    const all: TableRow[] = []
    for await (const rows of this.#read(table, rows_max)) {
      for (const row of rows) {
        if (all.length < rows_max) all.push(row)
        else this.#refuse(table, row, `more than ${rows_max} rows`)
      }
    }
    return all
  }

  #valuesOf<T>(table: TableName, rows: readonly TableRow[], read: (fields: TableRow['fields']) => T): Read<T>[] {
    return rows.flatMap((row) => {
      try {
        return [{ row, value: read(row.fields) }]
      } catch (error) {
        if (!(error instanceof FieldError)) throw error
        this.#refuse(table, row, error.message)
        return []
      }
    })
  }

  #refuse(table: TableName, { line, fields }: TableRow, reason: string): void {
    this.#reports[table].refused += 1
    this.#refused.push({ table, line, id: fields.id ?? '', reason })
  }

  /** Runs `work` in a transaction, which a dry run takes back. A transaction that is tried again counts anew. */
  async #write(work: (tx: Tx) => Promise<void>): Promise<void> {
    const before = structuredClone(this.#reports)
    const refused_before = [...this.#refused]
    try {
      await this.#saldo.app.db.transaction(async (tx) => {
        Object.assign(this.#reports, structuredClone(before))
        this.#refused = [...refused_before]
        await work(tx)
        if (this.#input.dry_run) throw new TakenBack()
      })
    } catch (error) {
      if (!(error instanceof TakenBack)) throw error
    }
    for (const row of this.#refused) this.#input.onRefused(row)
    this.#refused = []
  }
}

const REFUSED_ORDER = {
  status_unknown: 'status: is none that is known, or partial with remains that make no sense',
  number_taken: 'id: another order has this number here',
  provider_number_taken: 'provider_order_id: another order has this number at the provider',
  changed: 'id: was taken over before, and stands otherwise there now',
} as const
