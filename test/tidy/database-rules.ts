import { isNoSubstitutionTemplateLiteral, isStringLiteral, isTemplateExpression } from 'typescript/unstable/ast'
import { type Finding, lineOf, matches, type Rule, serverFiles, type Tree, type TreeFile, walk } from './tree.ts'

/** A statement that changes rows, as it stands in a text of the source. */
interface Write {
  file: TreeFile
  line: number
  verb: 'insert' | 'update' | 'delete' | 'merge' | 'truncate' | 'copy'
  /** As written: `orders.orders`, or `${name}` where it is put together. */
  table: string
}

const TABLE = String.raw`((?:[a-z_"][\w"]*|\$\{[^}]*\})(?:\.(?:[a-z_"][\w"]*|\$\{[^}]*\}))?)`
// `for update of`, `do update set` and `for no key update` change nothing by themselves.
const WRITE = new RegExp(
  String.raw`\b(?:(insert)\s+into|(delete)\s+from|(merge)\s+into|(truncate)(?:\s+table)?|(copy)|(?<!\b(?:for|key|do|on|or|before|after)\s+)(update)(?:\s+only)?)\s+` +
    TABLE,
  'gi',
)

/** Texts of the source in which SQL may stand: literals, each with what is put into them left as written. */
function writesOf(tree: Tree): Write[] {
  const writes: Write[] = []
  for (const file of serverFiles(tree)) {
    if (!file.source) continue
    walk(file.source, (node) => {
      if (!isStringLiteral(node) && !isNoSubstitutionTemplateLiteral(node) && !isTemplateExpression(node)) return
      const start = node.getStart(file.source)
      for (const match of node.getText(file.source).matchAll(WRITE)) {
        const verb = match.slice(1, 7).find((word) => word !== undefined)
        const table = match[7] ?? ''
        const rest = match.input.slice(match.index + match[0].length)
        if (!isStatement(verb ?? '', rest)) continue
        const line = lineOf(file.text, start + match.index)
        writes.push({ file, line, verb: verb?.toLowerCase() as Write['verb'], table })
      }
    })
  }
  return writes
}

/** Prose says "update the …" too; SQL goes on in a known way. */
function isStatement(verb: string, rest: string): boolean {
  if (/^update$/i.test(verb)) return /^(\s+(as\s+)?\w+)?\s+set\b/i.test(rest)
  if (/^copy$/i.test(verb)) return /^\s*(\([^)]*\)\s*)?from\b/i.test(rest)
  if (/^insert$/i.test(verb)) return /^\s*(as\s+\w+\s*)?(\(|select|values|default|overriding|\$\{)/i.test(rest)
  if (/^(delete|truncate)$/i.test(verb))
    return /^\s*($|[`'";)]|(as\s+)?\w*\s*(using|where|returning|cascade|restart|,)\b)/i.test(rest)
  return true
}

/** The schema that the code of this file writes. */
function schemaOf(path: string): string | undefined {
  return /^server\/domains\/([^/]+)\//.exec(path)?.[1] ?? (path.startsWith('server/platform/') ? 'platform' : undefined)
}

// graphile-worker has no other way to find jobs that a vanished process left behind.
const ALSO_WRITES: Readonly<Record<string, readonly string[]>> = { platform: ['graphile_worker'] }

const ownSchema: Rule = {
  name: 'a domain writes its own schema alone, and names the table',
  mend: 'Call a verb of the domain that owns the table, or emit an event it subscribes to.',
  find: (tree) =>
    writesOf(tree).flatMap(({ file, line, verb, table }): Finding[] => {
      const own = schemaOf(file.path)
      const schema = table.includes('.') ? table.replaceAll('"', '').split('.')[0] : undefined
      if (schema !== undefined && (schema === own || ALSO_WRITES[own ?? '']?.includes(schema))) return []
      return [{ path: file.path, line, what: `${verb} ${table} from ${own ?? 'no domain'}` }]
    }),
  bad: [
    { 'server/domains/orders/x.ts': 'const a = `insert into ledger.transfer (id) values (1)`' },
    { 'server/domains/orders/x.ts': `const a = 'update identity.user as u set name = 1'` },
    { 'server/domains/orders/x.ts': 'const a = `with gone as (delete from catalog.service where id = $1) select 1`' },
    { 'server/domains/orders/x.ts': 'const a = `insert into orders (id) values (1)`' },
    {
      'server/domains/orders/x.ts': `const a = 'insert into ' + 'x'; const b = \`insert into \${table} (id) values (1)\``,
    },
    { 'server/domains/orders/x.ts': `const a = 'truncate platform.outbox'` },
    { 'server/domains/orders/x.ts': `const a = 'copy ledger.transfer from stdin'` },
    { 'server/roles/commands.ts': `const a = 'delete from identity.session'` },
  ],
  good: [
    {
      'server/domains/orders/x.ts': `
const a = \`insert into orders.orders (id) select id from catalog.service on conflict (id) do update set b = 1\`
const b = 'select id from ledger.account where id = $1 for update of account'
const c = 'Update the provider first, then copy the key from it'
const d = 'update orders.orders set a = 1'`,
      'server/domains/orders/x.test.ts': `const a = 'update ledger.transfer set amount = 1'`,
    },
  ],
}

const oneTransfer: Rule = {
  name: 'one statement of the tree inserts into ledger.transfer, and none changes it',
  mend: 'Post an entry through postEntries; a transfer is corrected by its reversal.',
  find: (tree) => {
    const writes = writesOf(tree).filter((write) => write.table === 'ledger.transfer')
    const first = writes.find((write) => write.verb === 'insert')
    return writes
      .filter((write) => write !== first)
      .map(({ file, line, verb }) => ({ path: file.path, line, what: `${verb} ledger.transfer once more` }))
  },
  bad: [
    {
      'server/domains/ledger/a.ts': 'const a = `insert into ledger.transfer (id) values (1)`',
      'server/domains/ledger/b.ts': 'const a = `insert into ledger.transfer (id) select 1`',
    },
    { 'server/domains/ledger/a.ts': 'const a = `update ledger.transfer set amount = 1`' },
    { 'server/domains/ledger/a.ts': 'const a = `delete from ledger.transfer where id = 1`' },
  ],
  good: [{ 'server/domains/ledger/a.ts': 'const a = `insert into ledger.transfer (id) values (1)`' }],
}

const readers: Rule = {
  name: 'diagnostics only reads',
  mend: 'What changes a row is a verb of the domain that owns it.',
  find: (tree) =>
    writesOf(tree)
      .filter(({ file }) => file.path.startsWith('server/domains/diagnostics/'))
      .map(({ file, line, verb, table }) => ({ path: file.path, line, what: `${verb} ${table}` })),
  bad: [{ 'server/domains/diagnostics/x.ts': 'const a = `insert into diagnostics.x (id) values (1)`' }],
}

const NAME = /^db\/migrations\/(\d{4})_([a-z][a-z0-9_]*)\.sql$/

const migrations: Rule = {
  name: 'migrations have a number each and only go forward',
  mend: 'Name it by a number that none has and its domain: 0007_orders.sql, 0008_orders_priority.sql. To undo is a new migration.',
  find: (tree) => {
    const files = tree.files
      .filter((file) => file.path.startsWith('db/migrations/'))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    // Gaps are fine: those who work side by side reserve numbers.
    const numberOf = (file: TreeFile | undefined) => Number(NAME.exec(file?.path ?? '')?.[1])
    return files.flatMap((file, i): Finding[] => {
      const [, number, name] = NAME.exec(file.path) ?? []
      const what =
        number === undefined || name === undefined
          ? 'its name is not NNNN_domain.sql'
          : numberOf(files[i - 1]) === Number(number)
            ? `${number} is taken`
            : /(^|_)(down|undo|rollback|revert)(_|$)/.test(name)
              ? 'goes backward'
              : undefined
      return what === undefined ? [] : [{ path: file.path, line: 1, what }]
    })
  },
  bad: [
    { 'db/migrations/0001_a.sql': '', 'db/migrations/0001_b.sql': '' },
    { 'db/migrations/0001_a.down.sql': '' },
    { 'db/migrations/0001_a_down.sql': '' },
    { 'db/migrations/1_a.sql': '' },
  ],
  good: [{ 'db/migrations/0001_a.sql': '', 'db/migrations/0003_b_countdown.sql': '' }],
}

const CREATE =
  /^\s*(?:create\s+(?:unlogged\s+)?(?:table|function|sequence|type|view)|alter\s+table)\s+(?:if\s+(?:not\s+)?exists\s+)?([a-z_]+)\.([a-z_]+)/gim

const migrationSchema: Rule = {
  name: 'a migration makes and changes tables of the domain in its name alone',
  mend: 'Write one migration for each domain.',
  find: (tree) =>
    tree.files.flatMap((file) => {
      const name = NAME.exec(file.path)?.[2]
      if (name === undefined) return []
      return matches(file, CREATE, (match) => `${match[1]}.${match[2]} in a migration of ${name}`).filter(
        (_, i) => !isOf([...file.text.matchAll(CREATE)][i]?.[1] ?? '', name),
      )
    }),
  bad: [
    { 'db/migrations/0001_orders.sql': 'create table ledger.extra (id int);' },
    { 'db/migrations/0001_orders.sql': '  alter table identity.user add column x int;' },
  ],
  good: [
    {
      'db/migrations/0001_orders_priority.sql':
        'create table orders.orders (id int);\nalter table orders.orders add x int;',
    },
  ],
}

function isOf(schema: string, name: string): boolean {
  return name === schema || name.startsWith(`${schema}_`)
}

/** Tables with a row or more for every order. While one is checked or indexed, nobody orders. */
const GROWING = String.raw`(?:orders\.(?:orders|attempt|order_event)|ledger\.(?:entry|transfer|hold|release|line)|platform\.event)`
const ALTERED = new RegExp(String.raw`\balter\s+table\s+(${GROWING})\b(?!\s+validate\b)([^;]*)`, 'gi')
const INDEXED = new RegExp(String.raw`\bcreate\s+(?:unique\s+)?index\s+\w+\s+on\s+(${GROWING})\b`, 'gi')
const CHECKED = /\b(check|references|foreign\s+key|set\s+not\s+null|unique|primary\s+key)\b/i
/** Those up to here ran somewhere before this was the rule. */
const RAN_BEFORE = 80

const longLocks: Rule = {
  name: 'a migration keeps nobody for long from tables that grow with every order',
  mend: 'Add the constraint `not valid` and validate it in a migration behind; build an index in a migration that alters nothing.',
  find: (tree) =>
    tree.files.flatMap((file) => {
      if (!(Number(NAME.exec(file.path)?.[1]) > RAN_BEFORE)) return []
      const sql = { ...file, text: file.text.replace(/--.*/g, (comment) => ' '.repeat(comment.length)) }
      const altered = [...sql.text.matchAll(ALTERED)]
      return [
        ...matches(sql, ALTERED, ([, table]) => `${table} is read whole for a constraint`).filter((_, i) => {
          const change = altered[i]?.[2] ?? ''
          return CHECKED.test(change) && !/\bnot\s+valid\b/i.test(change)
        }),
        ...(altered.length > 0 ? matches(sql, INDEXED, ([, table]) => `${table} is indexed while it is locked`) : []),
      ]
    }),
  bad: [
    { 'db/migrations/0081_orders_a.sql': 'alter table orders.orders add column a int check (a > 0);' },
    {
      'db/migrations/0081_orders_a.sql':
        'alter table orders.attempt\n  add constraint a foreign key (b) references orders.c;',
    },
    {
      'db/migrations/0081_orders_a.sql':
        'alter table orders.orders add column a int;\ncreate index orders_a on orders.orders (a);',
    },
  ],
  good: [
    {
      'db/migrations/0080_orders_a.sql': 'alter table orders.orders add column a int check (a > 0);',
      'db/migrations/0081_orders_a.sql': `-- A check and an index follow.
alter table orders.orders add column a int;
alter table orders.orders add constraint orders_a check (a > 0) not valid;
create table orders.b (a int check (a > 0));
create index b_a on orders.b (a);`,
      'db/migrations/0082_orders_a.sql': 'alter table orders.orders validate constraint orders_a;',
      'db/migrations/0083_orders_a.sql': 'create unique index orders_a on orders.orders (a);',
    },
  ],
}

const LOUD =
  /\b(SELECT\s+[\w*"']|INSERT\s+INTO|UPDATE\s+[\w."]+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|SCHEMA|FUNCTION)|ALTER\s+TABLE)\b/g

const lowerCase: Rule = {
  name: 'SQL is written in lower case',
  mend: 'Write keywords small.',
  find: (tree) =>
    tree.files
      .filter(
        (file) => (file.source || file.path.endsWith('.sql')) && !/^(test\/tidy\/|db\/schema\.sql)/.test(file.path),
      )
      .flatMap((file) => matches(file, LOUD, (match) => match[0])),
  bad: [{ 'server/x.ts': 'const a = `SELECT a from b`' }, { 'db/migrations/0001_a.sql': 'CREATE TABLE a.b (c int);' }],
  good: [{ 'server/x.ts': 'const a = `select a from b` // SELECT' }],
}

export const DATABASE_RULES: readonly Rule[] = [
  ownSchema,
  oneTransfer,
  readers,
  migrations,
  migrationSchema,
  longLocks,
  lowerCase,
]
