import { applyOffer } from '#server/domains/catalog/apply-offer.ts'
import { RATE_STEP } from '#server/domains/catalog/markup.ts'
import type { ProviderService } from '#server/domains/providers/provider.ts'
import { type Bench, type BenchContext, rounded } from './bench.ts'

const SERVICES = 10_000
const MARKUP = { percent_bp: 3_000n, fixed: 0n, minimum_margin: 0n, step: RATE_STEP }

export const refreshBench: Bench = {
  summary: '10,000 services of one provider refreshed: none, a hundredth and all of them changed',
  run: async (context) => {
    const provider_id = await insertProvider(context)
    const apply = async (rate: (i: number) => bigint, create: 'all' | 'none' = 'none') => {
      const offer = { services: Array.from({ length: SERVICES }, (_, i) => offered(i, rate(i))), unreadable: 0 }
      const asked_at = context.app.clock.now()
      const begin = performance.now()
      const outcome = await applyOffer(context.app, { provider_id, offer, asked_at, create, markup: MARKUP })
      if (!outcome.applied) throw new Error(outcome.problem)
      return { seconds: rounded((performance.now() - begin) / 1000), written: outcome.report.updated }
    }
    context.say(`Importing ${SERVICES} services …`)
    const { seconds: import_seconds } = await apply(() => 1_000_000n, 'all')
    context.say('Refreshing …')
    const unchanged = await apply(() => 1_000_000n)
    const few = await apply((i) => (i % 100 === 0 ? 1_100_000n : 1_000_000n))
    const all = await apply((i) => 2_000_000n + BigInt(i))
    const written = [unchanged.written, few.written, all.written]
    if (written.join() !== [0, SERVICES / 100, SERVICES].join()) throw new Error(`wrote ${written} services`)
    return { services: SERVICES, import_seconds, unchanged, few, all }
  },
}

async function insertProvider({ app }: BenchContext): Promise<bigint> {
  const [row] = await app.db.query<{ id: bigint }>(
    `insert into providers.provider (name, adapter, url, currency, key_ciphertext, key_id)
     values ('Panel', 'panel-v2', 'https://panel.example/api/v2', 'USD', decode(repeat('00', 40), 'hex'), 'none') returning id`,
  )
  if (!row) throw new Error('no provider was inserted')
  return row.id
}

function offered(i: number, rate: bigint): ProviderService {
  return {
    provider_service_id: String(i),
    name: `Service ${i}`,
    category: `Category ${i % 50}`,
    type: 'Default',
    raw_type: 'Default',
    rate,
    min: 10n,
    max: 1_000n,
    refill: false,
    cancel: true,
    dripfeed: false,
    description: 'What it is, in a sentence or two as panels have them.',
  }
}
