import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAULT_NAMES, type FaultName } from './faults.ts'
import { readAmount } from './money.ts'
import { startTestPanel, type TestPanel } from './test-panel.ts'

/** Silence would only slow the run down; faults.test.ts shows that it moves no money. */
const SILENT: FaultName[] = ['hang', 'hang_after', 'delay', 'huge_body_after']

const faults = fc.dictionary(
  fc.constantFrom(...FAULT_NAMES.filter((name) => !SILENT.includes(name))),
  fc.double({ min: 0, max: 1, noNaN: true }),
  { maxKeys: 12 },
)
const decimal = fc.integer({ min: 0, max: 300_000_000 }).map((micro) => (micro / 1_000_000).toFixed(6))
const pick = fc.nat(999)

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      does: fc.constant('add' as const),
      service: fc.constantFrom('101', '203', '501', '701', '802'),
      quantity: fc.integer({ min: 1, max: 900 }),
      link: fc.nat(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.nat(70_000) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('cancel' as const, 'status' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('finish' as const),
      pick,
      status: fc.constantFrom('Completed' as const, 'Partial' as const, 'Canceled' as const),
      percent_left: fc.nat(100),
    }),
  },
  fc.record({ does: fc.constantFrom('set balance' as const, 'top up' as const, 'take' as const), decimal }),
  fc.record({ does: fc.constant('set rate' as const), rate: decimal }),
  fc.record({ does: fc.constant('set pace' as const), ms: fc.nat(100_000) }),
  fc.record({ does: fc.constant('set faults' as const), faults }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('opening balance + top-ups − net charges = balance, to the micro-unit, under any mix of faults', async () => {
  await fc.assert(
    fc.asyncProperty(faults, fc.array(step, { minLength: 5, maxLength: 40 }), fc.nat(), async (set, steps, seed) => {
      const panel = await startTestPanel({ balance: '150', seed })
      await panel.control.setFaults(set)
      for (const one of steps) {
        await run(panel, one)
        await expectBalanced(panel)
      }
    }),
    { numRuns: 60 },
  )
}, 120_000)

async function run(panel: TestPanel, step: Step): Promise<unknown> {
  const { control } = panel
  switch (step.does) {
    case 'add': {
      const { service, link, quantity } = step
      const comments = 'line\n'.repeat(1 + (quantity % 7))
      const order = { action: 'add', service, link: `https://example.org/${link}`, quantity: `${quantity}`, comments }
      return request(panel, order)
    }
    case 'pass':
      return panel.pass(step.ms)
    case 'cancel':
    case 'status':
      return request(panel, { action: step.does, orders: (await orderAt(panel, step.pick))?.id ?? '1' })
    case 'finish': {
      const order = await orderAt(panel, step.pick)
      if (order === undefined) return
      const remains = Math.floor((order.quantity * step.percent_left) / 100)
      return refusable(control.finish(order.id, { status: step.status, remains }))
    }
    case 'set balance':
      return control.setBalance(step.decimal)
    case 'top up':
      return control.addBalance(step.decimal)
    case 'take':
      return refusable(control.addBalance(`-${step.decimal}`))
    case 'set rate':
      return control.changeService(203, { rate: step.rate })
    case 'set pace':
      return control.pace({ complete_ms_min: step.ms, complete_ms_max: step.ms })
    case 'set faults':
      return control.setFaults(step.faults)
  }
}

/** The answer is of no interest, and a fault may cut it; the panel's books are. */
async function request(panel: TestPanel, fields: Record<string, string>): Promise<void> {
  try {
    await (await panel.send(fields)).arrayBuffer()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
  }
}

/** A control call that may be refused fairly: the balance would fall below zero. */
async function refusable(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    expect(error).toMatchObject({ message: expect.stringMatching(/below zero|does not suffice/) })
  }
}

async function orderAt({ control }: TestPanel, index: number) {
  const orders = await control.allOrders()
  return orders[index % Math.max(1, orders.length)]
}

async function expectBalanced({ control }: TestPanel): Promise<void> {
  const summary = await control.summary()
  const orders = await control.allOrders()
  const net = orders.reduce((sum, order) => sum + micro(order.charge), 0n)
  expect(net).toBe(micro(summary.charged_net))
  expect(micro(summary.balance_opening) + micro(summary.balance_added) - net).toBe(micro(summary.balance))
  expect(micro(summary.balance) >= 0n).toBe(true)
  for (const order of orders) {
    const charge = micro(order.charge)
    expect(charge >= 0n && charge <= micro(order.charge_gross)).toBe(true)
    if (order.status === 'Canceled') expect(charge).toBe(0n)
    if (order.status !== 'Partial' && order.status !== 'Canceled') expect(order.charge).toBe(order.charge_gross)
  }
}

function micro(text: string): bigint {
  const value = readAmount(text)
  if (value === undefined) throw new Error(`no decimal: ${text}`)
  return value
}
