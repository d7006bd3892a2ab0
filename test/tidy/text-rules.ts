import { type Finding, matches, type Rule } from './tree.ts'

const EMPTY_NAME = /^(utils?|helpers?|common|managers?|misc|shared|stuff)$/

const names: Rule = {
  name: 'no file or folder has a name that says nothing',
  mend: 'Name it by the noun or verb it holds; what fits no name belongs beside its only user.',
  find: (tree) =>
    tree.files.flatMap(({ path }): Finding[] => {
      const empty = path
        .split('/')
        .flatMap((part) => part.split(/[.-]/))
        .find((word) => EMPTY_NAME.test(word))
      return empty === undefined ? [] : [{ path, line: 1, what: `"${empty}" says nothing` }]
    }),
  bad: [
    { 'server/kit/utils.ts': '' },
    { 'server/domains/orders/order-manager.ts': '' },
    { 'test/helpers/x.ts': '' },
    { 'server/common/x.ts': '' },
  ],
  good: [{ 'server/kit/money.ts': '', 'server/domains/orders/uncommon-order.ts': '' }],
}

const CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/

const spelling: Rule = {
  name: 'files and folders of code are spelled in kebab-case',
  mend: 'place-orders.ts, not placeOrders.ts or place_orders.ts. A file of one component is PascalCase.',
  find: (tree) =>
    tree.files
      .filter((file) => file.source && !/^web\//.test(file.path))
      .flatMap(({ path }): Finding[] => {
        const part = path.split('/').find((each) => !CASE.test(each))
        return part === undefined ? [] : [{ path, line: 1, what: part }]
      }),
  bad: [{ 'server/domains/orders/placeOrders.ts': '' }, { 'server/domains/Orders/x.ts': '' }],
  good: [{ 'server/domains/orders/placing/place-orders.test.ts': '', 'vitest.config.ts': '' }],
}

const IS_CODE = /\.(ts|tsx|mjs|js|sql|sh|css)$|(^|\/)run$/

const marks: Rule = {
  name: 'the only marks are NOTE and TODO, and no TODO lands in server/',
  mend: 'Do it now, or open an issue.',
  find: (tree) =>
    tree.files
      .filter((file) => IS_CODE.test(file.path) && !file.path.startsWith('test/tidy/'))
      .flatMap((file) =>
        matches(file, /\b(FIXME|XXX|HACK|WIP|TBD|KLUDGE|OPTIMI[SZE]E|TODO)\b/g, (match) => match[0]).filter(
          (found) => found.what !== 'TODO' || /^(server|db)\//.test(file.path),
        ),
      ),
  bad: [
    { 'sandbox/x.ts': '// FIXME: later' },
    { 'server/x.ts': '// TODO: later' },
    { 'db/migrations/0001_a.sql': '-- XXX' },
  ],
  good: [{ 'tools/x.ts': '// TODO: later', 'server/x.ts': '// NOTE: todo lists are sold here.' }],
}

const titles: Rule = {
  name: 'a document begins with its title, and has one',
  mend: 'Begin with "# Title"; sections have "##".',
  find: (tree) =>
    tree.files
      .filter((file) => file.path.endsWith('.md'))
      .flatMap((file): Finding[] => {
        const lines = withoutFences(file.text).split('\n')
        const finding = (line: number, what: string): Finding => ({ path: file.path, line, what })
        const missing = /^# \S/.test(lines[0] ?? '') ? [] : [finding(1, 'does not begin with its title')]
        const more = lines.flatMap((line, i) => (i > 0 && /^# /.test(line) ? [finding(i + 1, 'a second title')] : []))
        return [...missing, ...more]
      }),
  bad: [{ 'docs/x.md': 'Text' }, { 'docs/x.md': '# A\n\n# B\n' }, { 'docs/x.md': '## A\n' }],
  good: [{ 'docs/x.md': '# A\n\n```sh\n# a comment\n```\n\n## B\n' }],
}

/** The text with what stands between code fences emptied; lines keep their numbers. */
function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ''))
}

export const TEXT_RULES: readonly Rule[] = [names, spelling, marks, titles]
