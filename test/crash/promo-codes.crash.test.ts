import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { depositSecondPersonAbove } from '#server/domains/payments/deposits/settings.ts'
import { present } from '#server/kit/invariant.ts'
import { terminal } from '#test/support/command.ts'
import { aKey } from '#test/support/identity.ts'
import { CREDIT, DEPOSIT, DISCOUNT, openPromoHouse, USD } from '#test/support/promo-codes.ts'
import { putSetting } from '#test/support/settings.ts'
import { staffWith } from '#test/support/staff.ts'

const ROUNDS = 12
const CUSTOMERS = 12
/** So many may redeem a code, of all who want it. */
const LIMIT = 5
/** The doors are killed somewhere within so many answers, and this time more. */
const [ANSWERS_MAX, MORE_MS] = [40, 10]
/** After an error a caller repeats its request; so soon that the next doors are busy at once. */
const RETRY_MS = 20
const PROMISES = [CREDIT, DISCOUNT, DEPOSIT] as const
/** What these give: at once, and on top of a deposit. */
const [AT_ONCE, PAID, BONUS] = [5n * USD, 100n * USD, 10n * USD]

test(`doors killed ${ROUNDS} times while codes are redeemed and used: each is redeemed once or not at all, never too often, and its money moves once`, {
  timeout: 240_000,
}, async () => {
  const house = await setup()
  const callers = Promise.all(house.customers.map((_, n) => redeemAll(house, n)))
  // A caller that meets what must not be ends the test.
  await Promise.race([killDoors(house), callers]).finally(() => Object.assign(house, { calling: false }))
  const told = (await callers).flat()
  await house.next
  await expectRedeemedOnce(house, told)
  await expectPaidOnce(house)
  expect(await terminal(databaseOf(house))('verify')).toMatchObject({ code: 0 })
  // Answers were lost of what was carried out, under a key and without one.
  const unheard = told.filter(({ repeated }) => repeated).map(({ answer }) => answer)
  expect(unheard).toEqual(expect.arrayContaining(['replayed', 'known']))
})

async function killDoors(house: House): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const enough = house.heard + Math.random() * ANSWERS_MAX
    while (house.heard < enough && house.calling) await delay(1)
    await delay(Math.random() * MORE_MS)
    house.doors.process.kill('SIGKILL')
    house.doors = await house.next
    house.next = startDoors(house)
  }
}

async function setup() {
  const house = await openPromoHouse()
  await putSetting(house.app.db, depositSecondPersonAbove, '1000000.00')
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => aKey(house.app)))
  const desk = await staffWith(house.app, '', ['deposits:decide'])
  const codes: Promise<{ code: string }>[] = []
  return {
    ...house,
    customers,
    desk,
    codes,
    calling: true,
    heard: 0,
    doors: await startDoors(house),
    next: startDoors(house),
  }
}

type House = Awaited<ReturnType<typeof setup>>

async function startDoors(
  house: Pick<Awaited<ReturnType<typeof openPromoHouse>>, 'app'>,
): Promise<{ process: ChildProcess; url: string }> {
  const child = fork(join(import.meta.dirname, 'promo-worker.ts'), [databaseOf(house), house.app.config.home])
  onTestFinished(() => void child.kill('SIGKILL'))
  const [url] = (await once(child, 'message')) as [string]
  return { process: child, url }
}

function databaseOf({ app }: Parameters<typeof startDoors>[0]): string {
  return present(app.db.pool.options.connectionString, 'a database has its address')
}

/** `replayed`: as before, under its key. `known`: without a key, that the customer has it. `repeated`: an answer before was not heard. */
interface Told {
  code: string
  customer_id: bigint
  answer: 'redeemed' | 'replayed' | 'known' | 'refused'
  repeated: boolean
}

/** Redeems one code after another until told to stop, of each three in an order of its own, every other one under a key; and uses at once what is for a deposit. */
async function redeemAll(house: House, customer: number): Promise<Told[]> {
  const { user_id, key } = present(house.customers[customer], 'a customer')
  const told: Told[] = []
  for (let i = 0; house.calling; i++) {
    const turn = i - (i % 3) + ((i + customer) % 3)
    const promise = present(PROMISES[turn % 3], 'a promise')
    house.codes[turn] ??= house.make(promise, { redemptions_max: LIMIT })
    const { code } = await house.codes[turn]
    const own = (name: string) => ({ 'x-api-key': key, 'idempotency-key': `${name}:${turn}` })
    const headers = (i + customer) % 2 === 0 ? own('redeem') : { 'x-api-key': key }
    const { status, body, replayed, repeated } = await ask(house, '/api/v1/promo-codes/redeem', headers, { code })
    const answers: Record<number, Told['answer']> = {
      201: replayed ? 'replayed' : 'redeemed',
      409: 'known',
      422: 'refused',
    }
    const answer = present(answers[status], `not ${status} ${JSON.stringify(body)}`)
    told.push({ code, customer_id: user_id, answer, repeated })
    if (promise !== DEPOSIT || answer === 'refused') continue
    const payment = { amount: '100', method: 'bank_transfer', reference: `TRX-${user_id}-${turn}` }
    const { body: deposit } = await ask(house, '/api/v1/deposits', own('deposit'), payment)
    const approved = await ask(house, `/api/admin/deposits/${deposit.id}/approve`, house.desk.headers, {})
    expect(approved.body).toMatchObject({ state: 'approved', bonus: '10.00' })
  }
  return told
}

/** Repeats a request until it is answered. */
async function ask(house: House, path: string, headers: Record<string, string>, body: object) {
  for (let repeated = false; ; await delay(RETRY_MS)) {
    try {
      const asked = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' } }
      const response = await fetch(house.doors.url + path, { ...asked, body: JSON.stringify(body) })
      const answer = (await response.json()) as { id: string; code: string }
      house.heard += 1
      const replayed = response.headers.get('idempotent-replayed') === 'true'
      // Its twin's connection may still be there when the doors are not.
      if (answer.code !== 'idempotency_key_in_flight')
        return { status: response.status, body: answer, replayed, repeated }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      // Killed, or not yet there: not known what was done, so asked again.
      repeated ||= (error.cause as { code?: string } | undefined)?.code !== 'ECONNREFUSED'
    }
  }
}

/** Whoever was told that they have a code has it, once, and nobody else; as many as may have it, of those who wanted it. */
async function expectRedeemedOnce({ app }: House, told: readonly Told[]): Promise<void> {
  const rows = await app.db.query<{ name: string }>(`
    select code.code || ' ' || r.customer_id as name from payments.promo_redemption r join payments.promo_code code on code.id = r.code_id`)
  const had = told.filter(({ answer }) => answer !== 'refused')
  expect(rows.map(({ name }) => name).sort()).toEqual(had.map((each) => `${each.code} ${each.customer_id}`).sort())
  for (const [code, asked] of Map.groupBy(told, (each) => each.code)) {
    const has = had.filter((each) => each.code === code).length
    expect([code, has]).toEqual([code, Math.min(LIMIT, asked.length)])
  }
}

/** Each redemption has given what it promised, once, and that and what was paid in is all that there is. */
async function expectPaidOnce({ app, customers, money }: House): Promise<void> {
  const rows = await app.db.query<{ customer_id: bigint; kind: string; credited: bigint[]; given: bigint[] }>(`
    select r.customer_id, code.kind,
      array(select t.amount from ledger.transfer t where (t.subject_kind, t.subject_id) = ('promo_redemption', r.id)) as credited,
      array(select t.amount from payments.deposit_bonus b join ledger.transfer t on (t.subject_kind, t.subject_id) = ('deposit_bonus', b.deposit_id)
        where b.redemption_id = r.id) as given
    from payments.promo_redemption r join payments.promo_code code on code.id = r.code_id`)
  for (const { kind, credited, given } of rows) {
    expect([credited, given]).toEqual([kind === 'credit' ? [AT_ONCE] : [], kind === 'deposit' ? [BONUS] : []])
  }
  const count = (kind: string, of = rows) => BigInt(of.filter((row) => row.kind === kind).length)
  for (const { user_id } of customers) {
    const own = rows.filter(({ customer_id }) => customer_id === user_id)
    const due = AT_ONCE * count('credit', own) + (PAID + BONUS) * count('deposit', own)
    expect(await money(user_id)).toEqual([due, -AT_ONCE * count('credit') - BONUS * count('deposit')])
  }
}
