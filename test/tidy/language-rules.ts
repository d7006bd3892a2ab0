import {
  getLeadingCommentRanges,
  isArrowFunction,
  isCallExpression,
  isCatchClause,
  isClassDeclaration,
  isExportAssignment,
  isExportDeclaration,
  isExportSpecifier,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isNewExpression,
  isPropertyAccessExpression,
  isVariableStatement,
  type Node,
  type Statement,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { at, type Finding, findNodes, isTest, type Rule, serverFiles, type TreeFile } from './tree.ts'

const noBarrels: Rule = {
  name: 'there are no barrels: no file exports what another one made',
  mend: 'Import from the file itself.',
  find: (tree) =>
    findNodes(tree.files, (node) =>
      isExportDeclaration(node) && node.moduleSpecifier ? 'exports from another file' : undefined,
    ),
  bad: [{ 'server/kit/index.ts': `export * from './money.ts'` }, { 'server/x.ts': `export { a as b } from './y.ts'` }],
  good: [{ 'server/x.ts': 'const a = 1\nexport { a }' }],
}

const noDefaults: Rule = {
  name: 'nothing is exported as default, but by the configuration of a tool',
  mend: 'Give it a name and export that.',
  find: (tree) =>
    findNodes(
      tree.files.filter((file) => !file.path.endsWith('.config.ts')),
      (node) => {
        if (isExportAssignment(node)) return 'export default'
        const by_name = isExportSpecifier(node) && node.name.text === 'default'
        const by_word = node.kind === SyntaxKind.DefaultKeyword && node.parent.kind !== SyntaxKind.DefaultClause
        return by_name || by_word ? 'export default' : undefined
      },
    ),
  bad: [
    { 'server/x.ts': 'export default 1' },
    { 'server/x.ts': 'export default function a() {}' },
    { 'sandbox/x.ts': 'const a = 1\nexport { a as default }' },
  ],
  good: [{ 'vitest.config.ts': 'export default {}', 'server/x.ts': 'switch (a) { default: b() }' }],
}

const noAny: Rule = {
  name: 'no type is any',
  mend: 'Write the type, or unknown and a check.',
  find: (tree) => findNodes(tree.files, (node) => (node.kind === SyntaxKind.AnyKeyword ? 'any' : undefined)),
  bad: [{ 'server/x.ts': 'const a: any = 1' }, { 'test/x.test.ts': 'const a = b as unknown as any[]' }],
  good: [{ 'server/x.ts': 'const any = 1 // any' }],
}

const noConsole: Rule = {
  name: 'nothing is written by console',
  mend: 'Use app.log; a command writes its output with process.stdout.write.',
  find: (tree) =>
    findNodes(tree.files, (node) =>
      isPropertyAccessExpression(node) && isIdentifier(node.expression) && node.expression.text === 'console'
        ? `console.${node.name.text}`
        : undefined,
    ),
  bad: [{ 'server/x.ts': `console.log('a')` }, { 'tools/x.ts': 'const log = console.error' }],
  good: [{ 'server/x.ts': `const text = 'console.log'` }],
}

const TEST_WORDS = new Set(['test', 'it', 'describe', 'suite', 'bench'])

const allTests: Rule = {
  name: 'every test runs: none is skipped, postponed, or run alone',
  mend: 'Take .only, .skip or .todo away, or delete the test.',
  find: (tree) =>
    findNodes(tree.files, (node) => {
      if (!isPropertyAccessExpression(node) || !['only', 'skip', 'todo', 'fails'].includes(node.name.text))
        return undefined
      return TEST_WORDS.has(firstWord(node)) ? `${firstWord(node)}.${node.name.text}` : undefined
    }),
  bad: [
    { 'test/x.test.ts': `test.only('a', () => {})` },
    { 'test/x.test.ts': `describe.concurrent.skip('a', () => {})` },
    { 'server/x.test.ts': `it.todo('a')` },
    { 'server/x.test.ts': `test.skip.each([1])('a', () => {})` },
  ],
  good: [{ 'test/x.test.ts': `const { skip } = rows; rows.skip(1)` }],
}

function firstWord(node: Node): string {
  if (isIdentifier(node)) return node.text
  return isPropertyAccessExpression(node) || isCallExpression(node) ? firstWord(node.expression) : ''
}

const noMocks: Rule = {
  name: 'our own code is not mocked',
  mend: 'Use the real thing: a test database, the sandbox, a clock that the test sets.',
  find: (tree) =>
    findNodes(tree.files, (node) =>
      isPropertyAccessExpression(node) &&
      isIdentifier(node.expression) &&
      node.expression.text === 'vi' &&
      ['mock', 'doMock', 'hoisted', 'stubGlobal'].includes(node.name.text)
        ? `vi.${node.name.text}`
        : undefined,
    ),
  bad: [{ 'server/x.test.ts': `vi.mock('./y.ts')` }],
  good: [{ 'server/x.test.ts': 'vi.waitFor(() => done)' }],
}

const docstrings: Rule = {
  name: 'every exported function and class says what it does',
  mend: 'Put a comment right above it: what it does, units, errors.',
  find: (tree) =>
    tree.files
      .filter(
        (file) =>
          file.source &&
          /^(server|sandbox|tools|bench|test\/support)\//.test(file.path) &&
          !/\.test\.ts$/.test(file.path),
      )
      .flatMap(undocumented),
  bad: [
    { 'server/x.ts': 'export function a() {}' },
    { 'server/x.ts': `/** About the import. */\nimport { z } from 'zod'\nexport async function a() {}` },
    { 'server/x.ts': '/** Far above. */\n\n\nexport class A {}' },
    { 'sandbox/x.ts': 'export const a = (b: string) => b' },
  ],
  good: [
    {
      'server/x.ts':
        '/** Says. */\nexport function a() {}\n// Says too.\nexport const b = () => 1\nexport const c = 1\nfunction d() {}',
      'server/y.ts':
        '/** Says. */\nexport function a(b: string): void\nexport function a(b: number): void\nexport function a(b: unknown) {}',
    },
  ],
}

function undocumented(file: TreeFile): Finding[] {
  const findings: Finding[] = []
  let overload = ''
  for (const statement of file.source?.statements ?? []) {
    const name = exportedFunction(statement)
    if (name !== undefined && name !== overload && !hasComment(file, statement)) {
      findings.push(at(file, statement, `${name} has no docstring`))
    }
    overload = name ?? ''
  }
  return findings
}

function exportedFunction(statement: Statement): string | undefined {
  if (isFunctionDeclaration(statement) || isClassDeclaration(statement)) {
    return isExported(statement.modifiers) ? (statement.name?.text ?? 'default') : undefined
  }
  if (!isVariableStatement(statement) || !isExported(statement.modifiers)) return undefined
  const [declaration] = statement.declarationList.declarations
  const value = declaration?.initializer
  const isFunction = value !== undefined && (isArrowFunction(value) || isFunctionExpression(value))
  return isFunction ? declaration?.name.getText() : undefined
}

function isExported(modifiers: readonly Node[] | undefined): boolean {
  return modifiers?.some((modifier) => modifier.kind === SyntaxKind.ExportKeyword) ?? false
}

function hasComment(file: TreeFile, statement: Statement): boolean {
  const last = getLeadingCommentRanges(file.text, statement.getFullStart())?.at(-1)
  if (!last) return false
  return !/\n\s*\n/.test(file.text.slice(last.end, statement.getStart(file.source)))
}

const noSwallowing: Rule = {
  name: 'no error is swallowed without a word',
  mend: 'Handle it, or say in a comment within why nothing is to be done.',
  find: (tree) =>
    findNodes(
      tree.files.filter((file) => !isTest(file.path)),
      (node, file) => {
        if (isCatchClause(node)) return isSilent(node.block, file) ? 'an empty catch' : undefined
        if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return undefined
        const [handler] = node.arguments
        if (node.expression.name.text !== 'catch' || !handler || !isArrowFunction(handler)) return undefined
        // A fallback that the caller goes on with is an answer, not silence.
        const silent = isSilent(handler.body, file) && (handler.body.kind === SyntaxKind.Block || isDropped(node))
        return silent && !hasCommentAbove(file, node) ? 'an empty .catch' : undefined
      },
    ),
  bad: [
    { 'server/x.ts': 'try { a() } catch {}' },
    { 'server/x.ts': 'try { a() } catch (error) { }' },
    { 'server/x.ts': 'await a().catch(() => {})' },
    { 'server/x.ts': 'await a().catch(() => undefined)' },
  ],
  good: [
    { 'server/x.ts': 'try { a() } catch { /* gone already */ }' },
    { 'server/x.ts': '// It ends with the connection anyway.\nawait a().catch(() => {})' },
    { 'server/x.ts': 'await a().catch((error) => log(error))' },
    { 'server/x.ts': 'const a = await b().catch(() => undefined)' },
  ],
}

/** Whether nobody takes what the expression answers. */
function isDropped(node: Node): boolean {
  return node.parent.kind === SyntaxKind.AwaitExpression || node.parent.kind === SyntaxKind.VoidExpression
    ? isDropped(node.parent)
    : node.parent.kind === SyntaxKind.ExpressionStatement
}

function isSilent(body: Node, file: TreeFile): boolean {
  return ['{}', 'undefined', 'null'].includes(body.getText(file.source).replace(/\s/g, ''))
}

function hasCommentAbove(file: TreeFile, node: Node): boolean {
  const start = file.text.lastIndexOf('\n', node.getStart(file.source))
  const above = file.text.slice(file.text.lastIndexOf('\n', start - 1) + 1, Math.max(start, 0))
  return /^\s*(\/\/|\*|\/\*)/.test(above)
}

const clocks: Rule = {
  name: 'business code reads time and chance from the clock and the ids of kit',
  mend: 'Use app.clock.now() and app.clock.monotonic_ms(); newUuid() and newSecret() of kit/id; backoff_ms() of kit/backoff.',
  find: (tree) =>
    findNodes(
      serverFiles(tree).filter((file) => file.path.startsWith('server/domains/')),
      (node) => {
        if (isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
          return 'new Date()'
        if (!isPropertyAccessExpression(node)) return undefined
        const text = node.getText()
        return ['Date.now', 'Math.random', 'performance.now'].includes(text) ? text : undefined
      },
    ),
  bad: [
    { 'server/domains/orders/x.ts': 'const a = new Date()' },
    { 'server/domains/orders/x.ts': 'const a = Date.now()' },
    { 'server/domains/orders/x.ts': 'const a = Math.random()' },
  ],
  good: [{ 'server/domains/orders/x.ts': 'const a = new Date(row.at)', 'server/kit/clock.ts': 'const a = new Date()' }],
}

export const LANGUAGE_RULES: readonly Rule[] = [
  noBarrels,
  noDefaults,
  noAny,
  noConsole,
  allTests,
  noMocks,
  docstrings,
  noSwallowing,
  clocks,
]
