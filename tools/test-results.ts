import { z } from 'zod'

/** How many tests of a run passed, failed and were skipped. A check counts as one test. */
export interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

// What vitest's JSON reporter writes, as far as it is read here.
const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['passed', 'failed']),
      assertionResults: z.array(
        z.object({ status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']) }),
      ),
    }),
  ),
})

/**
 * Counts the tests of vitest's JSON report. A file that failed as a whole counts as one failure, and so does a run that failed though no test
 * did: vitest broke, found nothing, or an error happened outside all tests. `report` is undefined when none was written.
 */
export function tallyOf(report: string | undefined, exit_code: number | null): Tally {
  const files = report === undefined ? [] : Report.parse(JSON.parse(report)).testResults
  let passed = 0
  let failed = 0
  let skipped = 0
  for (const file of files) {
    const statuses = file.assertionResults.map((each) => each.status)
    const failures = statuses.filter((each) => each === 'failed').length
    const passes = statuses.filter((each) => each === 'passed').length
    passed += passes
    failed += file.status === 'failed' ? Math.max(1, failures) : failures
    skipped += statuses.length - passes - failures
  }
  const is_broken = exit_code !== 0 || passed + skipped === 0
  return { passed, failed: failed === 0 && is_broken ? 1 : failed, skipped }
}

/** The sum of several tallies. */
export function sumOf(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, each) => ({
      passed: sum.passed + each.passed,
      failed: sum.failed + each.failed,
      skipped: sum.skipped + each.skipped,
    }),
    { passed: 0, failed: 0, skipped: 0 },
  )
}

/** The last line of a run: "12 passed, 0 failed", and what was skipped where something was. */
export function summaryOf(tally: Tally): string {
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`
}
