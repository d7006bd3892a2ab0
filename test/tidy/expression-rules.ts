import { analyse } from 'scslre'
import { isNewExpression, isRegularExpressionLiteral, type Node } from 'typescript/unstable/ast'
import { findNodes, type Rule, serverFiles } from './tree.ts'

/** What takes longer than in proportion to its text lets one request with a long text hold up all others. */
const linear: Rule = {
  name: 'no regular expression takes longer than in proportion to what it is given',
  mend: 'Let what is repeated end where the next part begins: no repetition within another over the same signs, none without an anchor before an end.',
  find: (tree) =>
    findNodes(serverFiles(tree), (node) => {
      if (!isRegularExpressionLiteral(node)) return undefined
      const [report] = analyse(expressionOf(node)).reports
      return report && `${node.getText()}: ${report.exponential ? 'exponential' : 'quadratic'}`
    }),
  bad: [
    { 'server/kit/x.ts': 'const a = /^(a+)+$/' },
    { 'server/kit/x.ts': String.raw`const a = text.replace(/\s+$/, '')` },
    { 'server/kit/x.ts': String.raw`const a = /^\d*,?\d*$/u` },
  ],
  good: [
    { 'server/kit/x.ts': String.raw`const a = [/^(?:\w+,)*\w+$/, /^\s+/, /a{1,20}$/v, /[^a]*a/y]` },
    { 'test/x.ts': 'const a = /^(a+)+$/' },
  ],
}

function expressionOf(node: Node): RegExp {
  const text = node.getText()
  const end = text.lastIndexOf('/')
  return new RegExp(text.slice(1, end), text.slice(end + 1))
}

/** Each is put together of constants, or of texts whose signs are escaped, and repeats nothing within a repetition. */
const MAY_ASSEMBLE = new Set([
  'server/domains/notifications/channels/telegram/link-chat.ts',
  'server/platform/http/allowed-methods.ts',
  'server/platform/outbound/mask.ts',
  'server/platform/telemetry/secret-values.ts',
])

const written: Rule = {
  name: 'regular expressions are written, not put together',
  mend: 'Write it as a literal, so that it can be judged; what must be put together at run time is named in expression-rules.ts after a look at what it repeats.',
  find: (tree) =>
    findNodes(
      serverFiles(tree).filter(({ path }) => !MAY_ASSEMBLE.has(path)),
      (node) => (isNewExpression(node) && node.expression.getText() === 'RegExp' ? 'new RegExp()' : undefined),
    ),
  bad: [{ 'server/kit/x.ts': 'const a = new RegExp(given)' }],
  good: [{ 'server/platform/outbound/mask.ts': 'const a = new RegExp(given)' }],
}

export const EXPRESSION_RULES: readonly Rule[] = [linear, written]
