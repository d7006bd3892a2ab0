export const CHANNELS = ['email', 'inbox', 'telegram'] as const
export type Channel = (typeof CHANNELS)[number]

/** How often a user wants to hear of something. What happened meanwhile comes together in one message. */
export const FREQUENCIES = ['never', 'instantly', 'hourly', 'daily'] as const
export type Frequency = (typeof FREQUENCIES)[number]

/** One thing that users choose about, and what holds until they do. */
export interface TopicDefinition {
  audience: 'everyone' | 'staff'
  /** Whether many occasions become one message, so that hourly and daily make sense. */
  gathers: boolean
  /** Cannot be switched off here. */
  fixed: readonly Channel[]
  /** Goes out in quiet hours too, without a sound. */
  urgent: boolean
  defaults: Readonly<Record<Channel, Frequency>>
}

/** What users choose about. Whoever has not linked a chat gets nothing by Telegram whatever stands here. */
export const TOPICS = {
  // Who took an account over must not be able to keep its owner from hearing of it.
  security: {
    audience: 'everyone',
    gathers: false,
    fixed: ['email', 'inbox'],
    urgent: true,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
  orders_completed: {
    audience: 'everyone',
    gathers: true,
    fixed: [],
    urgent: false,
    defaults: { email: 'daily', inbox: 'instantly', telegram: 'instantly' },
  },
  orders_returned: {
    audience: 'everyone',
    gathers: true,
    fixed: [],
    urgent: false,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
  balance: {
    audience: 'everyone',
    gathers: false,
    fixed: [],
    urgent: false,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
  refills: {
    audience: 'everyone',
    gathers: false,
    fixed: [],
    urgent: false,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
  webhooks: {
    audience: 'everyone',
    gathers: false,
    fixed: [],
    urgent: false,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
  account: {
    audience: 'everyone',
    gathers: false,
    fixed: ['inbox'],
    urgent: false,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'never' },
  },
  alerts: {
    audience: 'staff',
    gathers: false,
    fixed: [],
    urgent: true,
    defaults: { email: 'instantly', inbox: 'instantly', telegram: 'instantly' },
  },
} as const satisfies Record<string, TopicDefinition>

export type Topic = keyof typeof TOPICS
export const TOPIC_NAMES = Object.keys(TOPICS) as Topic[]

/** What may be chosen for a topic and channel. */
export function choicesFor(topic: Topic, channel: Channel): readonly Frequency[] {
  const { fixed, gathers }: TopicDefinition = TOPICS[topic]
  if (fixed.includes(channel)) return ['instantly']
  return gathers ? FREQUENCIES : ['never', 'instantly']
}

/** Whether a message of the topic may be unsubscribed from with one click. */
export function canUnsubscribe(topic: Topic | undefined, channel: Channel): boolean {
  return topic !== undefined && choicesFor(topic, channel).includes('never')
}
