import { expect, test } from 'vitest'
import type { App } from '#server/platform/app.ts'
import { openLog } from '#server/platform/telemetry/log.ts'
import { openMetrics } from '#server/platform/telemetry/metrics.ts'
import { testLedger } from '#test/support/ledger.ts'
import { ledgerChores, startLedgerWork } from './jobs.ts'
import { sealLag } from './queries.ts'

async function setup() {
  const ledger = await testLedger(1)
  const [ann] = ledger.wallets as [bigint]
  const metrics = openMetrics()
  const app = { db: ledger.db, log: openLog({ level: 'silent' }), metrics }
  return { ...ledger, ann, app, metrics }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('a worker seals what was posted and tells how far it is behind', async () => {
  const { db, ann, app, metrics, fund, wrong } = await setup()
  await fund(ann, 5n)
  await fund(ann, 5n)
  const work = startLedgerWork(app)
  while ((await sealLag(db)).blocks > 0) await turn()
  await work.stop()
  const told = await metrics.registry.metrics()
  expect(told).toMatch(/^saldo_ledger_sealed_movements_total 2$/m)
  expect(told).toMatch(/^saldo_ledger_unsealed_blocks 0$/m)
  expect(told).toMatch(/^saldo_ledger_unsealed_age_seconds 0$/m)
  expect(await wrong()).toEqual([])
})

test('the chore releases all that has expired, however much it is', async () => {
  const { ann, app, fund, post, balance } = await setup()
  await fund(ann, 2_100n)
  const hold = { kind: 'hold', account: ann, amount: 1n, expires_at: new Date('2020-01-01') } as const
  await post({ key: 'holds', movements: Array.from({ length: 2_100 }, () => hold) })
  const chore = ledgerChores.find((each) => each.name === 'ledger.release-expired-holds')
  await chore?.run(app as unknown as App)
  expect((await balance(ann)).held).toBe(0n)
})
