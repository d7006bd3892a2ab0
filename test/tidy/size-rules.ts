import {
  isArrowFunction,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isSetAccessorDeclaration,
} from 'typescript/unstable/ast'
import { countLines, findNodes, isTest, lineOf, type Rule, serverFiles, type Tree } from './tree.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70
const MAIN_LINES_MAX = 60
const MEDIAN_LINES_MAX = 80
const P90_LINES_MAX = 200

const files: Rule = {
  name: `a file has ${FILE_LINES_MAX} lines at the most, server/main.ts ${MAIN_LINES_MAX}`,
  mend: 'Split it along its nouns and verbs.',
  find: (tree) =>
    tree.files
      .filter((file) => /\.(ts|tsx|mjs)$/.test(file.path))
      .flatMap((file) => {
        const lines = countLines(file.text)
        const max = file.path === 'server/main.ts' ? MAIN_LINES_MAX : FILE_LINES_MAX
        return lines > max ? [{ path: file.path, line: max + 1, what: `${lines} lines` }] : []
      }),
  bad: [{ 'test/x.test.ts': '//\n'.repeat(401) }, { 'server/main.ts': '//\n'.repeat(61) }],
  good: [{ 'server/x.ts': '//\n'.repeat(400), 'server/main.ts': '//\n'.repeat(60) }],
}

const functions: Rule = {
  name: `a function has ${FUNCTION_LINES_MAX} lines at the most`,
  mend: 'Let the parent decide and move what computes below it, in the order it is called.',
  find: (tree) =>
    findNodes(
      // The body of a `describe` is a chapter, no function.
      tree.files.filter((file) => !/(\.test|-exam)\.tsx?$/.test(file.path)),
      (node, file) => {
        const isFunction =
          isFunctionDeclaration(node) ||
          isFunctionExpression(node) ||
          isArrowFunction(node) ||
          isMethodDeclaration(node) ||
          isConstructorDeclaration(node) ||
          isGetAccessorDeclaration(node) ||
          isSetAccessorDeclaration(node)
        if (!isFunction) return undefined
        const lines = lineOf(file.text, node.getEnd()) - lineOf(file.text, node.getStart(file.source)) + 1
        return lines > FUNCTION_LINES_MAX ? `${lines} lines` : undefined
      },
    ),
  bad: [
    { 'server/x.ts': `function a() {\n${'b()\n'.repeat(69)}}` },
    { 'sandbox/x.ts': `const a = () => {\n${'b()\n'.repeat(69)}}` },
    { 'server/x.ts': `class A { b() {\n${'c()\n'.repeat(69)}} }` },
  ],
  good: [{ 'server/x.ts': `function a() {\n${'b()\n'.repeat(68)}}` }],
}

const spread: Rule = {
  name: `half of the server's files have ${MEDIAN_LINES_MAX} lines at the most, nine in ten ${P90_LINES_MAX}`,
  mend: 'Split the longest files first; each verb has a file of its own.',
  find: (tree) => {
    const sizes = sizesOf(tree)
    const path = 'server'
    const [median = 0, p90 = 0] = [0.5, 0.9].map((share) => sizes[Math.floor((sizes.length - 1) * share)])
    return [
      ...(median > MEDIAN_LINES_MAX ? [{ path, line: 1, what: `the median is ${median} lines` }] : []),
      ...(p90 > P90_LINES_MAX ? [{ path, line: 1, what: `the ninetieth percentile is ${p90} lines` }] : []),
    ]
  },
  bad: [
    { 'server/a.ts': '//\n'.repeat(81), 'server/b.ts': '//\n'.repeat(81), 'server/c.ts': '//' },
    Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`server/${i}.ts`, '//\n'.repeat(i < 17 ? 10 : 201)])),
  ],
  good: [{ 'server/a.ts': '//\n'.repeat(80), 'server/b.test.ts': '//\n'.repeat(399) }],
}

function sizesOf(tree: Tree): number[] {
  return serverFiles(tree)
    .filter((file) => !isTest(file.path))
    .map((file) => countLines(file.text))
    .toSorted((a, b) => a - b)
}

export const SIZE_RULES: readonly Rule[] = [files, functions, spread]
