/** How the text of a parameter is read: one entry a line, a single line, a web address, a whole number from 1 on, one of some numbers, or a day as `d/m/Y`. */
export type ParamRule =
  | { kind: 'lines'; line_chars_max: number }
  | { kind: 'text'; chars_max: number }
  | { kind: 'address' }
  | { kind: 'whole'; max: number }
  | { kind: 'choice'; of: readonly number[] }
  | { kind: 'day' }

/** Longer names are mistakes in the line breaks. */
const NAME = { kind: 'text', chars_max: 200 } as const
const NAMES = { kind: 'lines', line_chars_max: 200 } as const
/** A name, or where it is found: as long as a web address may be. */
const NAME_OR_ADDRESS = { kind: 'text', chars_max: 2_048 } as const
/** As many pieces as any service sells. */
const PIECES = { kind: 'whole', max: 999_999_999 } as const
/** More posts than any subscription is sold for. */
const POSTS = { kind: 'whole', max: 1_000 } as const
/** Minutes, as the panels list them. */
const DELAYS = [0, 5, 10, 15, 30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600]

/** What orders may have besides service, link and quantity, named as the panels name it. A value is kept as text: lines joined by \n, numbers without leading zeros, days as 05/01/2026. */
export const PARAMS = {
  // A comment of several screens is a mistake in the line breaks.
  comments: { kind: 'lines', line_chars_max: 2_000 },
  keywords: NAMES,
  usernames: NAMES,
  hashtags: NAMES,
  hashtag: NAME,
  username: NAME_OR_ADDRESS,
  media: { kind: 'address' },
  answer_number: { kind: 'whole', max: 1_000 },
  groups: { kind: 'lines', line_chars_max: 2_048 },
  country: { kind: 'text', chars_max: 100 },
  device: { kind: 'whole', max: 5 },
  type_of_traffic: { kind: 'whole', max: 3 },
  google_keyword: NAME,
  referring_url: { kind: 'address' },
  min: PIECES,
  max: PIECES,
  delay: { kind: 'choice', of: DELAYS },
  posts: POSTS,
  old_posts: POSTS,
  expiry: { kind: 'day' },
} as const satisfies Record<string, ParamRule>

export type ParamName = keyof typeof PARAMS
export const PARAM_NAMES: readonly ParamName[] = Object.keys(PARAMS) as ParamName[]

/** A parameter that is wanted when another one has this value, and has no meaning otherwise. */
export interface WantedWhen {
  name: ParamName
  when: ParamName
  is: string
}

/** What orders of a type consist of. */
export interface TypeRule {
  /** What is counted: the `quantity` that is asked for, the lines of a parameter, one package, whose price is the rate itself, or each post that comes, of `max` pieces at the most. */
  counted: 'quantity' | 'package' | 'post' | ParamName
  /** What it cannot do without. */
  params: readonly ParamName[]
  more?: readonly WantedWhen[]
  /** What it may have besides. Empty texts and zeros are nothing: clients send them with every order. */
  optional?: readonly ParamName[]
  /** The parameter that says what the work is about, where that is no link. */
  about?: ParamName
  /** It may be ordered in runs, where the service allows it. */
  dripfeed?: true
}

/** The order types that Saldo sells, spelled as the panels spell them: the one table that checking, documents and adapters follow. */
export const ORDER_TYPES = {
  Default: { counted: 'quantity', params: [], dripfeed: true },
  Package: { counted: 'package', params: [] },
  SEO: { counted: 'quantity', params: ['keywords'] },
  'Custom Comments': { counted: 'comments', params: ['comments'] },
  'Custom Comments Package': { counted: 'package', params: ['comments'] },
  Mentions: { counted: 'quantity', params: ['usernames'] },
  'Mentions with Hashtags': { counted: 'quantity', params: ['usernames', 'hashtags'] },
  'Mentions Custom List': { counted: 'usernames', params: ['usernames'] },
  'Mentions Hashtag': { counted: 'quantity', params: ['hashtag'] },
  'Mentions User Followers': { counted: 'quantity', params: ['username'] },
  'Mentions Media Likers': { counted: 'quantity', params: ['media'] },
  'Comment Likes': { counted: 'quantity', params: ['username'] },
  'Comment Replies': { counted: 'comments', params: ['username', 'comments'] },
  Poll: { counted: 'quantity', params: ['answer_number'] },
  'Invites from Groups': { counted: 'quantity', params: ['groups'] },
  Subscriptions: {
    counted: 'post',
    params: ['username', 'min', 'max', 'delay'],
    optional: ['posts', 'old_posts', 'expiry'],
    about: 'username',
  },
  'Web Traffic': {
    counted: 'quantity',
    params: ['country', 'device', 'type_of_traffic'],
    more: [
      { name: 'google_keyword', when: 'type_of_traffic', is: '1' },
      { name: 'referring_url', when: 'type_of_traffic', is: '2' },
    ],
    dripfeed: true,
  },
} as const satisfies Record<string, TypeRule>

export type OrderType = keyof typeof ORDER_TYPES
export const TYPE_NAMES: readonly OrderType[] = Object.keys(ORDER_TYPES) as OrderType[]

/** What orders of this type consist of. */
export function typeRule(type: OrderType): TypeRule {
  return ORDER_TYPES[type]
}

/** Whether one is ordered, at the rate itself, instead of a quantity at a rate per 1000. */
export function isPackage(type: OrderType): boolean {
  return typeRule(type).counted === 'package'
}

/** The parameters that an order of this type has, when `params` are its values: those it cannot do without, and those that these values want. */
export function paramsWanted(type: OrderType, params: Readonly<Partial<Record<string, string>>>): ParamName[] {
  const { params: needed, more = [] } = typeRule(type)
  return [...needed, ...more.filter(({ when, is }) => params[when] === is).map(({ name }) => name)]
}

/** All parameters that are sent with an order of this type: what is wanted, and of the others those that it has. */
export function paramsSent(type: OrderType, params: Readonly<Partial<Record<string, string>>>): ParamName[] {
  const { optional = [] } = typeRule(type)
  return [...paramsWanted(type, params), ...optional.filter((name) => params[name] !== undefined)]
}
