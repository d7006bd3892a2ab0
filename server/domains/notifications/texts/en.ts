import type { Kind } from './kinds.ts'
import type { MessageTexts } from './template.ts'

const SEEN = 'When: {{at}}\nFrom: {{device}}, {{ip}}'

export const EN: Readonly<Record<Kind, MessageTexts>> = {
  confirm_email: {
    title: 'Confirm your e-mail address',
    body: 'Welcome. Press the button to confirm this address and open your account.\n\nThe link works once, until {{expires_at}}.',
    action: 'Confirm the address',
  },
  reset_password: {
    title: 'Choose a new password',
    body: 'Someone asked for a new password for the account with this address.\n\nThe link works once, until {{expires_at}}.',
    action: 'Choose a password',
  },
  confirm_new_email: {
    title: 'Confirm your new e-mail address',
    body: 'This address is to become that of your account. Press the button to agree.\n\nThe link works once, until {{expires_at}}. The address before has to agree too.',
    action: 'Use this address',
  },
  confirm_old_email: {
    title: 'Your e-mail address is to change',
    body: 'Someone who is signed in to your account asked to move it to another address. Press the button only if that was you.\n\nThe link works once, until {{expires_at}}.',
    action: 'Agree to the change',
  },
  accept_invitation: {
    title: 'An account was made for you',
    body: 'Someone of our staff made an account for this address. Press the button to choose its password.\n\nThe link works once, until {{expires_at}}. Later, ask for a new password where you sign in.',
    action: 'Choose a password',
  },
  signed_in_from_new_device: {
    title: 'New sign-in to your account',
    body: `Your account was signed in to from a new device.\n\n${SEEN}`,
  },
  password_changed: {
    title: 'Your password was changed',
    body: `The password of your account is a new one.\n\n${SEEN}`,
  },
  email_changed: {
    title: 'Your e-mail address was changed',
    body: `Your account has another e-mail address now.\n\n${SEEN}`,
  },
  totp_enabled: {
    title: 'Two-step sign-in is on',
    body: `From now on signing in needs a code of your authenticator.\n\n${SEEN}`,
  },
  totp_disabled: { title: 'Two-step sign-in is off', body: `Signing in needs your password alone again.\n\n${SEEN}` },
  recovery_code_used: {
    title: 'A recovery code was used',
    body: `Someone signed in with one of your recovery codes. It works no more.\n\n${SEEN}`,
  },
  recovery_codes_renewed: {
    title: 'New recovery codes',
    body: `New recovery codes were made; those before work no more.\n\n${SEEN}`,
  },
  api_key_created: { title: 'A new API key', body: `An API key was made for your account.\n\n${SEEN}` },
  api_key_rotated: {
    title: 'An API key was replaced',
    body: `An API key of your account was replaced by a new one.\n\n${SEEN}`,
  },
  api_key_reinstated: {
    title: 'An API key was reinstated',
    body: `An API key of your account that was suspended works again.\n\n${SEEN}`,
  },
  api_key_suspended: {
    title: 'Your API key {{key}} is suspended',
    body: 'Your API key {{key}} is suspended since {{at}} and opens nothing. Orders that were placed go on.\n\nReason: {{reason}}\n\nIf this was not you, rotate the key: the new one works at once. If it was, you can reinstate it, signed in.',
  },
  blocked: {
    title: 'Your account is blocked',
    body: 'Your account was blocked on {{at}}. You are signed out everywhere. Please write to us if you do not know why.',
  },
  unblocked: {
    title: 'Your account is open again',
    body: 'Your account was unblocked on {{at}}. You can sign in as before.',
  },
  address_already_registered: {
    title: 'You have an account already',
    body: `Someone, perhaps you, tried to use this address for a new account or another one. You have an account with it: sign in, or ask for a new password.\n\n${SEEN}`,
  },
  telegram_linked: {
    title: 'Telegram is linked',
    body: 'The chat “{{chat}}” was linked to your account on {{at}} and gets your messages.',
  },
  orders_completed: {
    title: { by: 'count', one: '{{count}} order completed', other: '{{count}} orders completed' },
    body: { by: 'count', one: 'Completed: order {{orders}}.', other: 'Completed: orders {{orders}}.' },
  },
  orders_returned: {
    title: { by: 'count', one: 'Money back for {{count}} order', other: 'Money back for {{count}} orders' },
    body: 'Done in part: {{partial}}. Cancelled: {{cancelled}}. What was not delivered is back on your balance.\n\nOrders: {{orders}}.',
  },
  balance_adjusted: {
    title: 'Your balance was adjusted: {{amount}}',
    body: 'On {{at}} your balance was adjusted by {{amount}}.\n\nReason: {{reason}}',
  },
  deposit_approved: {
    title: 'Your deposit is on your balance: {{amount}}',
    body: 'On {{at}} we credited {{amount}} for your payment {{reference}}.',
  },
  deposit_corrected: {
    title: 'Your deposit is on your balance: {{amount}}',
    body: 'On {{at}} we credited {{amount}} for your payment {{reference}}. You had named {{asked}}.\n\nReason: {{reason}}',
  },
  deposit_refused: {
    title: 'Your deposit of {{amount}} was refused',
    body: 'On {{at}} we refused your deposit of {{amount}} with the reference {{reference}}.\n\nReason: {{reason}}',
  },
  deposit_expired: {
    title: 'Your deposit of {{amount}} has expired',
    body: 'Nobody answered your deposit of {{amount}} with the reference {{reference}} in time; it expired on {{at}}. We are sorry. If you have paid, ask for it again.',
  },
  order_refunded: {
    title: 'A refund is on your balance: {{amount}}',
    body: 'On {{at}} we gave {{amount}} back for your order {{order}}.\n\nReason: {{reason}}',
  },
  refill_completed: {
    title: 'Order {{order}} was refilled',
    body: 'Refill {{refill}} of your order {{order}} was completed on {{at}}.',
  },
  refill_rejected: {
    title: 'Order {{order}} could not be refilled',
    body: 'Refill {{refill}} of your order {{order}} was not done; it ended on {{at}}. If you think that this is wrong, ask our support.',
  },
  subscription_out_of_funds: {
    title: 'Subscription {{order}} was stopped: not enough on your balance',
    body: 'On {{at}} your balance did not hold the next post of your subscription {{order}}. What had been set aside has paid for that post, and the subscription is stopped.\n\nPosts so far: {{posts}}. Their orders go on. Pay in and subscribe again to go on.',
  },
  subscription_ended: {
    title: 'Subscription {{order}} has ended',
    body: 'Your subscription {{order}} ended on {{at}}: all its posts have come, its last day is over, or no post has come for 30 days. What was set aside for the next post is back on your balance.\n\nPosts so far: {{posts}}. Their orders go on.',
  },
  webhook_disabled: {
    title: 'A webhook was switched off',
    body: 'We send no more events to {{endpoint}} since {{at}}.\n\nReason: {{reason}}\n\nWhat it missed is kept. Mend it, switch it on, and have it sent again.',
  },
  telegram_off: {
    title: 'Telegram is off',
    body: 'No more messages go to your Telegram chat since {{at}}: {{reason}}. You can link it again in your settings.',
  },
  test_message: { title: 'A test', body: 'This message was sent to try the way here, on {{at}}. It arrived.' },
  alert_provider_down: {
    title: 'Provider down: {{provider}}',
    body: 'No orders go to {{provider}} since {{since}}.\n\nReason: {{reason}}',
  },
  alert_provider_balance_low: {
    title: 'Balance low: {{provider}}',
    body: 'Our balance with {{provider}} is {{balance}}, below {{threshold}}. Orders that it does not cover fail.',
  },
  alert_provider_balance_ending: {
    title: 'Balance ending: {{provider}}',
    body: {
      by: 'hours',
      one: 'Our balance with {{provider}} is {{balance}}: as orders go, it lasts for about {{hours}} hour.',
      other: 'Our balance with {{provider}} is {{balance}}: as orders go, it lasts for about {{hours}} hours.',
    },
  },
  alert_prices_not_refreshed: {
    title: 'Prices not refreshed: {{provider}}',
    body: 'The prices of {{provider}} are not what it says now, since {{since}}.\n\nReason: {{reason}}\n\nIf its list is right as it is, refresh the prices with accept_shrunken.',
  },
  alert_source_quarantined: {
    title: 'In quarantine: {{service}}',
    body: 'No orders for {{service}} go to {{provider}} from {{since}} until {{until}}; what can be bought elsewhere is. Then one order tries it.\n\nReason: {{reason}}',
  },
  alert_api_key_suspended: {
    title: 'API key suspended: {{key}}',
    body: 'The API key {{key}} of user {{user}} is suspended since {{since}}.\n\nReason: {{reason}}',
  },
  alert_queue_long: {
    title: 'Work piles up: {{queue}}',
    body: {
      by: 'count',
      one: '{{count}} waits, for {{minutes}} min.',
      other: '{{count}} wait, the oldest for {{minutes}} min.',
    },
  },
  alert_orders_waiting: {
    title: 'Orders wait for a person',
    body: {
      by: 'count',
      one: '{{count}} order failed or its fate is unknown. Its money is held.',
      other: '{{count}} orders failed or their fate is unknown. Their money is held.',
    },
  },
  alert_deposits_waiting: {
    title: 'Deposits wait for an answer',
    body: {
      by: 'count',
      one: '{{count}} deposit waits for staff, for {{minutes}} min.',
      other: '{{count}} deposits wait for staff, the oldest for {{minutes}} min.',
    },
  },
  alert_refills_waiting: {
    title: 'Refills wait for a person',
    body: {
      by: 'count',
      one: '{{count}} refill waits for staff, for {{minutes}} min.',
      other: '{{count}} refills wait for staff, the oldest for {{minutes}} min.',
    },
  },
  alert_posts_unbilled: {
    title: 'Posts that nobody pays for',
    body: {
      by: 'count',
      one: '{{count}} post of a subscription was begun by its provider within a day and is paid by nobody. Its cost is ours: see the orders with the reason “post_not_covered”.',
      other:
        '{{count}} posts of subscriptions were begun by their providers within a day and are paid by nobody. Their cost is ours: see the orders with the reason “post_not_covered”.',
    },
  },
  alert_ledger_unsound: {
    title: 'The ledger is not sound',
    body: 'The proof of {{since}} found:\n\n{{problem}}\n\nRun “saldo verify”, and let no one correct by hand before it is understood.',
  },
  alert_ledger_unproven: {
    title: 'The ledger could not be proven',
    body: 'The nightly proof did not come to an end since {{since}}: {{reason}}',
  },
  alert_dead_letters: {
    title: 'Dead letters',
    body: {
      by: 'count',
      one: '{{count}} job or event was given up and waits for a person.',
      other: '{{count}} jobs and events were given up and wait for a person.',
    },
  },
  alert_messages_stuck: {
    title: 'Messages do not leave: {{channel}}',
    body: {
      by: 'count',
      one: '{{count}} message waits, for {{minutes}} min.',
      other: '{{count}} messages wait, the oldest for {{minutes}} min.',
    },
  },
  alert_disk_low: { title: 'The disk is almost full', body: 'Free: {{percent}} %, {{megabytes}} MB.' },
  alert_connections_few: {
    title: 'The database has few connections left',
    body: '{{count}} of {{most}} are in use. When all are, nothing is answered any more: stop what holds them, or raise max_connections.',
  },
  alert_critical_error: {
    title: 'Critical error: {{error}}',
    body: {
      by: 'count',
      one: '{{error}} at {{place}}. It occurred {{count}} time, first {{since}}.\n\nSee the critical errors for what happened.',
      other:
        '{{error}} at {{place}}. It occurred {{count}} times, first {{since}}.\n\nSee the critical errors for what happened.',
    },
  },
  alert_errors_many: {
    title: 'Many errors',
    body: {
      by: 'count',
      one: '{{count}} error in the last minute.',
      other: '{{count}} errors in the last minute.',
    },
  },
  all_clear: {
    title: 'All clear: {{alert}}',
    body: 'It has been well again for a while. It began {{since}} and lasted {{minutes}} min.',
  },
}
