/** What a panel wants to see in a field: entries, one a line; any text; an address; a whole number up to a highest. */
type Wanted = 'lines' | 'text' | 'address' | number

interface TypeRule {
  /** What is charged: the `quantity`, one package, each post by itself, or the entries of a field. */
  counted: 'quantity' | 'package' | 'post' | string
  fields: Readonly<Record<string, Wanted>>
}

/** Order types this panel knows, in the panels' spelling, and what each wants besides service, link and quantity. Written from panels' own pages, and from nothing of its callers. */
const RULES = {
  Default: { counted: 'quantity', fields: {} },
  Package: { counted: 'package', fields: {} },
  SEO: { counted: 'quantity', fields: { keywords: 'lines' } },
  'Custom Comments': { counted: 'comments', fields: { comments: 'lines' } },
  'Custom Comments Package': { counted: 'package', fields: { comments: 'lines' } },
  Mentions: { counted: 'quantity', fields: { usernames: 'lines' } },
  'Mentions with Hashtags': { counted: 'quantity', fields: { usernames: 'lines', hashtags: 'lines' } },
  'Mentions Custom List': { counted: 'usernames', fields: { usernames: 'lines' } },
  'Mentions Hashtag': { counted: 'quantity', fields: { hashtag: 'text' } },
  'Mentions User Followers': { counted: 'quantity', fields: { username: 'text' } },
  'Mentions Media Likers': { counted: 'quantity', fields: { media: 'address' } },
  'Comment Likes': { counted: 'quantity', fields: { username: 'text' } },
  'Comment Replies': { counted: 'comments', fields: { username: 'text', comments: 'lines' } },
  Poll: { counted: 'quantity', fields: { answer_number: 1_000 } },
  'Invites from Groups': { counted: 'quantity', fields: { groups: 'lines' } },
  Subscriptions: { counted: 'post', fields: { username: 'text', min: 'text', max: 'text', delay: 'text' } },
  'Web Traffic': { counted: 'quantity', fields: { country: 'text', device: 5, type_of_traffic: 3 } },
} as const satisfies Record<string, TypeRule>

export type ServiceType = keyof typeof RULES
export const SERVICE_TYPES: readonly ServiceType[] = Object.keys(RULES) as ServiceType[]

/** Visits that come by a search or from a page want to know by which. */
const TRAFFIC: Readonly<Record<string, Readonly<Record<string, Wanted>>>> = {
  '1': { google_keyword: 'text' },
  '2': { referring_url: 'address' },
}

/** What is charged of orders of this type. */
export function countedOf(type: ServiceType): TypeRule['counted'] {
  return RULES[type].counted
}

/** The first field that the type wants and that is missing or makes no sense; undefined when all is there. */
export function oddField(type: ServiceType, fields: Readonly<Record<string, string>>): string | undefined {
  const more = type === 'Web Traffic' ? TRAFFIC[fields.type_of_traffic ?? ''] : undefined
  const wanted: [string, Wanted][] = Object.entries({ ...RULES[type].fields, ...more })
  return wanted.find(([name, what]) => !fits(fields[name] ?? '', what))?.[0]
}

function fits(value: string, wanted: Wanted): boolean {
  if (wanted === 'lines') return entriesOf(value).length > 0
  if (wanted === 'address') return /^https?:\/\/[^\s/]+\S*$/i.test(value.trim())
  if (wanted === 'text') return value.trim() !== ''
  return /^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= wanted
}

/** The entries of a field that has one a line. */
export function entriesOf(value: string): string[] {
  return value.split(/\r\n|\n/).filter((line) => line.trim() !== '')
}
