import { dirname, join } from 'node:path/posix'
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { DEMO_START, IMPORTED_BY_ROLES_ALONE, MAY_SEE, ONLY_FILE, PACKAGE_HOMES, ROLE_FILES } from './import-table.ts'
import { type Finding, isTest, lineOf, type Rule, type Tree, type TreeFile, walk } from './tree.ts'

interface Import {
  file: TreeFile
  specifier: string
  /** From the project's root; undefined for a package. */
  target: string | undefined
  line: number
}

const ALIAS = /^#(server|sandbox|test|tools)\//

function importsOf(tree: Tree): Import[] {
  const imports: Import[] = []
  for (const file of tree.files) {
    if (!file.source) continue
    walk(file.source, (node) => {
      const dynamic = isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword
      const literal =
        isImportDeclaration(node) || isExportDeclaration(node)
          ? node.moduleSpecifier
          : dynamic
            ? node.arguments[0]
            : undefined
      if (!literal || !isStringLiteral(literal)) return
      const specifier = literal.text
      const line = lineOf(file.text, literal.getStart(file.source))
      imports.push({ file, specifier, target: targetOf(file.path, specifier), line })
    })
  }
  return imports
}

function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return join(dirname(from), specifier)
  return ALIAS.test(specifier) ? specifier.slice(1) : undefined
}

/** The room a file belongs to; undefined for one that is in no room, such as a configuration file at the root. */
function roomOf(path: string): string | undefined {
  if (isTest(path)) return 'test'
  if (!path.includes('/')) return undefined
  if (path in MAY_SEE) return path
  return /^server\/domains\/([^/]+)\//.exec(path)?.[1] ?? /^(?:server\/)?([^/]+)\//.exec(path)?.[1]
}

function judgeArrow(from: string, to: string): string | undefined {
  const room = roomOf(from)
  const seen = roomOf(to)
  if (room === undefined || room === seen) return undefined
  if (seen === undefined) return `${to} is in no room`
  if (seen === 'sandbox' && from === DEMO_START) return undefined
  const line = MAY_SEE[room]
  if (!line) return `${room} has no line in the table`
  if (line.includes(seen)) return undefined
  if (seen === 'kit') return undefined
  if (seen === 'platform') return room === 'kit' || room === 'sandbox' ? `${room} may not see platform` : undefined
  const everything = line.includes('everything') && seen !== 'sandbox' && (seen !== 'test' || room === 'bench')
  const one_file = line.some((word) => to.startsWith('server/domains/') && to.endsWith(`/${ONLY_FILE[word]}`))
  return everything || one_file ? undefined : `${room} may not see ${seen}`
}

const FIRST_LOOK =
  'Move the code down, take what is needed as an argument, or subscribe to an event. test/tidy/import-table.ts has the table.'

const arrows: Rule = {
  name: 'a room imports only the rooms that the table lets it see',
  mend: FIRST_LOOK,
  find: (tree) =>
    importsOf(tree).flatMap(({ file, target, line }): Finding[] => {
      const what = target === undefined ? undefined : judgeArrow(file.path, target)
      return what === undefined ? [] : [{ path: file.path, line, what }]
    }),
  bad: [
    { 'server/kit/x.ts': `import { a } from '#server/platform/app.ts'` },
    { 'server/platform/db/x.ts': `import { a } from '#server/domains/ledger/entry.ts'` },
    { 'server/domains/ledger/x.ts': `import type { A } from '#server/domains/orders/order.ts'` },
    { 'server/domains/ledger/x.ts': `const a = await import('#server/domains/audit/record.ts')` },
    { 'server/domains/orders/x.ts': `export { a } from '#server/domains/gateway/payin/payin.ts'` },
    { 'server/domains/orders/x.ts': `import { a } from '#sandbox/provider/panel.ts'` },
    { 'server/domains/orders/x.ts': `import { a } from '#test/support/database.ts'` },
    { 'server/domains/orders/x.ts': `import { a } from '#server/roles/api.ts'` },
    { 'server/domains/orders/x.ts': `import { a } from './x.test.ts'` },
    { 'server/domains/realtime/x.ts': `import { a } from '#server/domains/orders/queries.ts'` },
    { 'server/domains/diagnostics/x.ts': `import { a } from '#server/domains/orders/placing/place-orders.ts'` },
    { 'server/domains/brandnew/x.ts': `import { a } from '#server/domains/orders/order.ts'` },
    { 'server/roles/api.ts': `import { a } from '#sandbox/provider/main.ts'` },
    { 'sandbox/provider/x.ts': `import { a } from '#server/platform/app.ts'` },
    { 'tools/x.ts': `import { a } from '#server/domains/orders/order.ts'` },
  ],
  good: [
    {
      'server/domains/orders/x.ts': `import { a } from '#server/domains/ledger/entry.ts'
import { b } from '#server/kit/money.ts'
import { c } from '#server/platform/app.ts'
import { d } from './order.ts'
import { e } from 'zod'`,
      'server/domains/realtime/x.ts': `import { a } from '#server/domains/orders/events.ts'`,
      'server/domains/diagnostics/x.ts': `import { a } from '#server/domains/gateway/payin/queries.ts'`,
      'server/domains/orders/x.test.ts': `import { a } from '#sandbox/provider/panel.ts'`,
      'server/roles/api.ts': `import { a } from '#server/domains/orders/routes.ts'`,
      [DEMO_START]: `import { a } from '#sandbox/provider/main.ts'`,
      'sandbox/provider/x.ts': `import { a } from '#server/kit/clock.ts'`,
    },
  ],
}

const roleFiles: Rule = {
  name: 'only roles import routes.ts and jobs.ts, and rooms that nobody depends on',
  mend: 'Move what is shared into the file of a verb or a noun. A door or a schedule is the end of the line.',
  find: (tree) =>
    importsOf(tree).flatMap(({ file, target, line }): Finding[] => {
      if (target === undefined || !target.startsWith('server/domains/')) return []
      const from = roomOf(file.path)
      const seen = roomOf(target) ?? ''
      if (from === 'roles' || from === 'test' || from === 'bench') return []
      const what = ROLE_FILES.some((name) => target.endsWith(`/${name}`))
        ? `${target} is for roles`
        : from !== seen && IMPORTED_BY_ROLES_ALONE.includes(seen)
          ? `nobody depends on ${seen}`
          : undefined
      return what === undefined ? [] : [{ path: file.path, line, what }]
    }),
  bad: [
    { 'server/domains/orders/placing/place-orders.ts': `import { a } from './jobs.ts'` },
    { 'server/domains/orders/x.ts': `import { a } from '#server/domains/gateway/payin/routes.ts'` },
    { 'server/domains/diagnostics/x.ts': `import { a } from '#server/domains/realtime/events.ts'` },
  ],
  good: [{ 'server/roles/worker.ts': `import { a } from '#server/domains/orders/jobs.ts'` }],
}

const forms: Rule = {
  name: 'an import names its file: with its ending, by # across rooms, by ./ within',
  mend: `Write '#server/…/file.ts' for another room and './file.ts' or '../file.ts' within one.`,
  find: (tree) =>
    importsOf(tree).flatMap(({ file, specifier, target, line }): Finding[] => {
      const finding = (what: string): Finding[] => [{ path: file.path, line, what }]
      if (target === undefined) return specifier.startsWith('#') ? finding(`${specifier} is no alias`) : []
      if (!/\.(ts|tsx|mts|mjs|json|css)$/.test(target)) return finding(`${specifier} has no ending`)
      const leaves = specifier.startsWith('..') && homeOf(target) !== homeOf(file.path)
      return leaves ? finding(`${specifier} leaves its room`) : []
    }),
  bad: [
    { 'server/domains/orders/x.ts': `import { a } from './order'` },
    { 'server/domains/orders/x.ts': `import { a } from '../ledger/entry.ts'` },
    { 'server/domains/orders/x.test.ts': `import { a } from '../../../test/support/database.ts'` },
    { 'server/app.ts': `import { a } from '#web/x.ts'` },
  ],
  good: [
    {
      'server/platform/jobs/x.ts': `import { a } from '../db/database.ts'`,
      'server/app.ts': `import { a } from './platform/app.ts'`,
      'server/domains/gateway/payin/x.test.ts': `import { a } from '../store.ts'`,
    },
  ],
}

/** The folder within which relative imports may climb. */
function homeOf(path: string): string {
  return /^(server\/domains\/[^/]+|server\/[^/]+|[^/]+)\//.exec(path)?.[1] ?? ''
}

const packages: Rule = {
  name: 'a mechanism is imported in its home alone',
  mend: 'Use what platform offers: app.db, app.cache, app.jobs, app.outbound, app.log, app.metrics.',
  find: (tree) =>
    importsOf(tree).flatMap(({ file, specifier, line }): Finding[] => {
      if (!file.path.startsWith('server/') || isTest(file.path)) return []
      const homes = PACKAGE_HOMES[/^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? '']
      if (!homes || homes.some((home) => file.path.startsWith(home))) return []
      return [{ path: file.path, line, what: `${specifier} belongs to ${homes.join(' and ')}` }]
    }),
  bad: [
    { 'server/domains/orders/x.ts': `import pg from 'pg'` },
    { 'server/domains/providers/adapters/panel-v2/client.ts': `import { request } from 'undici'` },
    { 'server/platform/http/x.ts': `import { pino } from 'pino/file'` },
  ],
  good: [
    { 'server/platform/outbound/x.ts': `import { request } from 'undici'`, 'test/x.test.ts': `import pg from 'pg'` },
  ],
}

export const IMPORT_RULES: readonly Rule[] = [arrows, roleFiles, forms, packages]
