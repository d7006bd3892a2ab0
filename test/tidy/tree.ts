import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'

/** A file of the project. `path` is from the project's root, with forward slashes. */
export interface TreeFile {
  path: string
  text: string
  /** The syntax tree of a `.ts` or `.tsx` file. */
  source: SourceFile | undefined
}

/** Files that are judged together. */
export interface Tree {
  files: readonly TreeFile[]
}

/** A place that breaks a rule. Lines count from 1. */
export interface Finding {
  path: string
  line: number
  what: string
}

/** One law of the house, and proof that it bites. */
export interface Rule {
  /** What holds, as the title of its test. */
  name: string
  /** How to put a breach right. */
  mend: string
  find(tree: Tree): Finding[]
  /** Small trees, text by path, each of which breaks the rule. */
  bad: readonly Readonly<Record<string, string>>[]
  /** Small trees that look like a breach and are none. */
  good?: readonly Readonly<Record<string, string>>[]
}

const READ = /(\.(ts|tsx|mts|js|mjs|cjs|json|sql|md|css|html|sh|ya?ml|toml)|^\.npmrc|^\.gitignore|^run)$/

// Neither is in .gitignore: the repository itself, and what the test runner writes while it runs.
const LEFT_OUT = ['.git', '.vitest']

/** The text of every file of the project, by path. Folders that .gitignore names are left out. */
export function readProject(root: string): Record<string, string> {
  const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n')
  const left_out = new Set([...LEFT_OUT, ...ignored.map((line) => line.trim().replaceAll('/', ''))])
  const texts: Record<string, string> = {}
  for (const entry of readdirSync(root, { withFileTypes: true, recursive: true })) {
    const directory = entry.parentPath.slice(root.length + 1)
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`
    if (!entry.isFile() || !READ.test(entry.name) || path.split('/').some((part) => left_out.has(part))) continue
    texts[path] = readFileSync(join(root, path), 'utf8')
  }
  return texts
}

/** Parses groups of files with the project's own compiler, all at one go. No group sees another. */
export function parseTrees(groups: readonly Readonly<Record<string, string>>[]): Tree[] {
  const virtual: Record<string, string> = {}
  const names: string[] = []
  groups.forEach((texts, i) => {
    for (const [path, text] of Object.entries(texts)) {
      if (!isModule(path)) continue
      names.push(`${i}/${path}`)
      virtual[`/tidy/${i}/${path}`] = text
    }
  })
  // Syntax alone: nothing is resolved, so no other file is read.
  const compilerOptions = { noResolve: true, noLib: true, types: [], noEmit: true, jsx: 'preserve' }
  virtual['/tidy/tsconfig.json'] = JSON.stringify({ compilerOptions, files: names })
  const api = new API({ cwd: '/tidy', fs: createVirtualFileSystem(virtual) })
  try {
    const program = api.updateSnapshot({ openProjects: ['/tidy/tsconfig.json'] }).getProjects()[0]?.program
    return groups.map((texts, i) => ({
      files: Object.entries(texts).map(([path, text]) => ({
        path,
        text,
        source: isModule(path) ? program?.getSourceFile(`/tidy/${i}/${path}`) : undefined,
      })),
    }))
  } finally {
    api.close()
  }
}

function isModule(path: string): boolean {
  return /\.(ts|tsx|mts)$/.test(path)
}

/** Calls `visit` for every node below `node`, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  node.forEachChild((child) => {
    visit(child)
    walk(child, visit)
  })
}

/** The line of a position in a text. */
export function lineOf(text: string, position: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i !== -1 && i < position; i = text.indexOf('\n', i + 1)) line += 1
  return line
}

/** How many lines a text has; a last line without its line break counts. */
export function countLines(text: string): number {
  return text === '' ? 0 : lineOf(text, text.length - 1)
}

/** Every place where `pattern` (which must be global) occurs in the file. */
export function matches(file: TreeFile, pattern: RegExp, what: (match: RegExpExecArray) => string): Finding[] {
  return [...file.text.matchAll(pattern)].map((match) => ({
    path: file.path,
    line: lineOf(file.text, match.index),
    what: what(match),
  }))
}

/** A finding at a node. */
export function at(file: TreeFile, node: Node, what: string): Finding {
  return { path: file.path, line: lineOf(file.text, node.getStart(file.source)), what }
}

/** Every node of every module that `judge` has something to say about. */
export function findNodes(
  files: readonly TreeFile[],
  judge: (node: Node, file: TreeFile) => string | undefined,
): Finding[] {
  const findings: Finding[] = []
  for (const file of files) {
    if (!file.source) continue
    walk(file.source, (node) => {
      const what = judge(node, file)
      if (what !== undefined) findings.push(at(file, node, what))
    })
  }
  return findings
}

/** Whether the file only serves tests: a test, an exam that adapters take, or what stands under test/. */
export function isTest(path: string): boolean {
  return path.startsWith('test/') || /(\.test|-exam)\.tsx?$/.test(path)
}

/** Files of the server that run in production. */
export function serverFiles(tree: Tree): TreeFile[] {
  return tree.files.filter((file) => file.path.startsWith('server/') && file.source && !isTest(file.path))
}
