import {
  isCallExpression,
  isIdentifier,
  isImportDeclaration,
  isPropertyAccessExpression,
  isStringLiteral,
} from 'typescript/unstable/ast'
import { findNodes, isTest, matches, type Rule, serverFiles } from './tree.ts'

const environment: Rule = {
  name: 'the environment is read in platform/config alone',
  mend: 'Add a setting to server/platform/config/config.ts and read app.config.',
  find: (tree) =>
    findNodes(
      tree.files.filter(
        ({ path }) =>
          !isTest(path) && !/^(server\/platform\/config\/|tools\/|bench\/|sandbox\/(.+\/)?main\.ts$)/.test(path),
      ),
      (node) => {
        if (isPropertyAccessExpression(node) && node.getText() === 'process.env') return 'process.env'
        const named = isImportDeclaration(node) && /\benv\b/.test(node.importClause?.getText() ?? '')
        return named && /process['"]$/.test(node.moduleSpecifier.getText()) ? 'env of node:process' : undefined
      },
    ),
  bad: [
    { 'server/platform/db/x.ts': 'const a = process.env.A' },
    { 'sandbox/provider/panel.ts': 'const { A } = process.env' },
    { 'server/x.ts': `import { env } from 'node:process'` },
  ],
  good: [
    {
      'server/platform/config/config.ts': 'const a = process.env',
      'sandbox/provider/main.ts': 'const a = process.env.PORT',
      'server/x.ts': `import { argv } from 'node:process'`,
    },
  ],
}

// Outbound makes the calls; http answers them; the supervisor looks for a free port of its own.
const MAY_CONNECT = /^server\/platform\/(outbound|http|embedded-postgres)\//
const NETWORK = new Set(
  ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'undici'].flatMap((name) => [name, `node:${name}`]),
)

const outbound: Rule = {
  name: 'the outside is called over platform/outbound alone',
  mend: 'Use app.outbound.call: it has the time-out, the size cap, the address guard and the masked log.',
  find: (tree) =>
    findNodes(
      serverFiles(tree).filter((file) => !MAY_CONNECT.test(file.path)),
      (node) => {
        if (isCallExpression(node)) {
          const callee = node.expression.getText()
          return callee === 'fetch' || callee === 'globalThis.fetch' ? 'fetch()' : undefined
        }
        if (!isImportDeclaration(node) || !isStringLiteral(node.moduleSpecifier)) {
          return isIdentifier(node) && ['WebSocket', 'EventSource'].includes(node.text) ? node.text : undefined
        }
        const types_only = /^import\s+type\b/.test(node.getText())
        return NETWORK.has(node.moduleSpecifier.text) && !types_only ? node.moduleSpecifier.text : undefined
      },
    ),
  bad: [
    { 'server/domains/providers/adapters/panel-v2/client.ts': `const a = await fetch('https://example.com')` },
    { 'server/domains/orders/x.ts': `import { request } from 'node:https'` },
    { 'server/platform/jobs/x.ts': `import net from 'net'` },
  ],
  good: [
    {
      'server/platform/outbound/outbound.ts': `import { request } from 'undici'`,
      'server/domains/orders/x.ts': `import type { IncomingMessage } from 'node:http'\nconst a = cache.fetch('x')`,
      'server/domains/orders/x.test.ts': `const a = await fetch('http://127.0.0.1')`,
    },
  ],
}

const lock: Rule = {
  name: 'packages come from whatever registry the machine uses: no address of one is kept',
  mend: 'Keep omit-lockfile-registry-resolved=true in .npmrc, take the registry out, and write the lock file anew.',
  find: (tree) =>
    tree.files.flatMap((file) => {
      if (file.path === 'package-lock.json') return matches(file, /"resolved":\s*"[^"]*"/g, (match) => match[0])
      if (!/(^|\/)\.npmrc$|^tools\/|^\.ci\//.test(file.path)) return []
      return matches(
        file,
        /registry\s*=\s*\S+|https?:\/\/[\w.-]*(npmjs|registry|artifactory|nexus)[\w.-]*/gi,
        (match) => match[0],
      )
    }),
  bad: [
    { 'package-lock.json': '{ "resolved": "https://mirror.example/a.tgz" }' },
    { '.npmrc': 'registry=https://mirror.example/' },
    { 'tools/x.ts': `const a = 'https://registry.npmjs.org/a'` },
  ],
  good: [{ 'package-lock.json': '{ "integrity": "sha512-a" }', '.npmrc': 'omit-lockfile-registry-resolved=true' }],
}

// Folders of one machine or one person. A URL's path may look alike: nothing that belongs to an address stands before.
const PRIVATE_PATH =
  /(?<![\w.:/}-])\/(?:root|home\/[\w.-]+|Users\/[\w.-]+|work|mnt|private\/var)\/[\w./-]*|\b[A-Z]:\\+Users\\+[\w.-]+/g
const MAIL = /\b[\w.+-]+@((?:[a-z0-9-]+\.)+[a-z]{2,})\b/gi
// Names that the standards keep free for examples.
const EXAMPLE = /(^|\.)(example\.(com|net|org)|example|test|invalid|localhost)$/i

const noPrivate: Rule = {
  name: 'nothing tells of one machine or one person: no private path, no real mail address',
  mend: 'Take paths from the project or the settings; use addresses under example.com, .example or .test.',
  find: (tree) =>
    tree.files
      .filter((file) => file.path !== 'package-lock.json' && !file.path.startsWith('test/tidy/'))
      .flatMap((file) => [
        ...matches(file, PRIVATE_PATH, (match) => match[0]),
        ...matches(file, MAIL, (match) => (EXAMPLE.test(match[1] ?? '') ? '' : match[0])).filter(
          (found) => found.what !== '',
        ),
      ]),
  bad: [
    { 'docs/x.md': 'Look into /home/ada/saldo/.' },
    { 'server/x.ts': `const a = '/root/.saldo'` },
    { 'README.md': 'Write to ada@lovelace.dev.' },
  ],
  good: [{ 'README.md': 'https://host.example/work/1 and ada@example.com, postgres://user:password@host:5432/home' }],
}

export const BOUNDARY_RULES: readonly Rule[] = [environment, outbound, lock, noPrivate]
