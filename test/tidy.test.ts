import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BOUNDARY_RULES } from './tidy/boundary-rules.ts'
import { DATABASE_RULES } from './tidy/database-rules.ts'
import { EXPRESSION_RULES } from './tidy/expression-rules.ts'
import { IMPORT_RULES } from './tidy/import-rules.ts'
import { LANGUAGE_RULES } from './tidy/language-rules.ts'
import { SIZE_RULES } from './tidy/size-rules.ts'
import { TEXT_RULES } from './tidy/text-rules.ts'
import { parseTrees, type Rule, readProject, type Tree } from './tidy/tree.ts'

/** The law of the house, which STYLE.md explains. */
const RULES: readonly Rule[] = [
  ...IMPORT_RULES,
  ...DATABASE_RULES,
  ...BOUNDARY_RULES,
  ...LANGUAGE_RULES,
  ...SIZE_RULES,
  ...TEXT_RULES,
  ...EXPRESSION_RULES,
]

const samples = RULES.flatMap((rule) => [
  ...rule.bad.map((texts) => ({ rule, texts, isBad: true })),
  ...(rule.good ?? []).map((texts) => ({ rule, texts, isBad: false })),
])
const [project, ...trees] = parseTrees([
  readProject(join(import.meta.dirname, '..')),
  ...samples.map(({ texts }) => texts),
])

describe('the house', () => {
  test('has been read', () => {
    expect(project?.files.filter((file) => file.source).length).toBeGreaterThan(20)
  })

  test.each(RULES.map((rule) => [rule.name, rule] as const))('%s', (_name, rule) => {
    const findings = rule.find(project as Tree)
    const lines = findings.map(({ path, line, what }) => `${path}:${line} ${what}`)
    expect(lines, rule.mend).toEqual([])
  })
})

describe('the law', () => {
  test.each(
    samples.map(({ rule, texts, isBad }, i) => [`${isBad ? 'finds' : 'passes'}: ${rule.name}`, i, texts] as const),
  )('%s (%i)', (_name, i, texts) => {
    const sample = samples[i]
    const findings = sample?.rule.find(trees[i] as Tree)
    expect((findings?.length ?? 0) > 0, `${JSON.stringify(texts)} gave ${JSON.stringify(findings)}`).toBe(sample?.isBad)
  })
})
