import { expect, test } from 'vitest'
import { summaryOf, sumOf, tallyOf } from './test-results.ts'

test('tests are counted by what became of them', () => {
  const report = reportOf({ status: 'failed', tests: ['passed', 'failed', 'failed', 'skipped', 'todo'] })
  expect(tallyOf(report, 1)).toEqual({ passed: 1, failed: 2, skipped: 2 })
})

test('a file that could not even be loaded is a failure', () => {
  const report = reportOf({ status: 'passed', tests: ['passed'] }, { status: 'failed', tests: [] })
  expect(tallyOf(report, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('a run that fails outside its tests is a failure', () => {
  expect(tallyOf(reportOf({ status: 'passed', tests: ['passed'] }), 1)).toEqual({ passed: 1, failed: 1, skipped: 0 })
  expect(tallyOf(reportOf({ status: 'passed', tests: ['passed'] }), null)).toEqual({ passed: 1, failed: 1, skipped: 0 })
})

test('a run without tests, or without a report, is a failure', () => {
  expect(tallyOf(reportOf(), 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  expect(tallyOf(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
})

test('the summary names what was skipped only where something was', () => {
  const one = { passed: 1, failed: 0, skipped: 0 }
  expect(summaryOf(sumOf([one, one]))).toBe('2 passed, 0 failed')
  expect(summaryOf(sumOf([one, { passed: 0, failed: 3, skipped: 2 }]))).toBe('1 passed, 3 failed, 2 skipped')
})

function reportOf(...files: { status: string; tests: string[] }[]): string {
  return JSON.stringify({
    testResults: files.map((file) => ({
      name: '/some/file.test.ts',
      status: file.status,
      assertionResults: file.tests.map((status) => ({ status })),
    })),
  })
}
