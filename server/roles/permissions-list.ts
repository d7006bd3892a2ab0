import type { KnownPermission } from '#server/domains/identity/rights/catalogue.ts'

/**
 * Every permission that a route of the house needs, as the route states it. What is not here cannot be granted; a test holds the routes against it. `…:own` is for one's own things.
 */
export const PERMISSIONS: readonly KnownPermission[] = [
  { permission: 'services:read', description: 'See what is sold.' },
  { permission: 'balance:read:own', description: 'See one’s own balance.' },
  { permission: 'orders:place:own', description: 'Place orders on one’s own balance.' },
  { permission: 'orders:read:own', description: 'See one’s own orders.' },
  { permission: 'orders:cancel:own', description: 'Ask for one’s own orders to be cancelled.' },
  { permission: 'orders:refill:own', description: 'Ask for one’s own orders to be refilled.' },
  { permission: 'account:read:own', description: 'See one’s own account.' },
  { permission: 'account:edit:own', description: 'Change one’s own name, language and time zone.' },
  { permission: 'account:secure:own', description: 'Change one’s own password and e-mail address.' },
  { permission: 'account:two-factor:own', description: 'Set up and switch off one’s own second factor.' },
  { permission: 'sessions:read:own', description: 'See where one is signed in.' },
  { permission: 'sessions:end:own', description: 'Sign out, here and elsewhere.' },
  { permission: 'api-keys:read:own', description: 'See one’s own API keys.' },
  { permission: 'api-keys:create:own', description: 'Make API keys for oneself.' },
  { permission: 'api-keys:edit:own', description: 'Change what one’s own API keys may do.' },
  { permission: 'api-keys:revoke:own', description: 'Revoke one’s own API keys.' },
  { permission: 'webhooks:read:own', description: 'See one’s own webhooks and what was sent to them.' },
  { permission: 'webhooks:create:own', description: 'Make webhooks for oneself.' },
  {
    permission: 'webhooks:edit:own',
    description: 'Change one’s own webhooks and their secrets, enable and disable them.',
  },
  { permission: 'webhooks:delete:own', description: 'Delete one’s own webhooks.' },
  { permission: 'webhooks:replay:own', description: 'Send to one’s own webhooks again, and test them.' },
  { permission: 'messages:read:own', description: 'Read one’s own messages, and how one wants to be told.' },
  { permission: 'messages:edit:own', description: 'Mark and delete one’s own messages, and choose how one is told.' },

  { permission: 'areas:enter:{area}', description: 'Use an area with a session that was opened elsewhere.' },
  { permission: 'users:read:{role}:{id}', description: 'Find users and see who they are.' },
  { permission: 'users:create:{role}', description: 'Invite a user of a role, with no more than one holds.' },
  { permission: 'users:reset-2fa:{role}:{id}', description: 'Remove the second factor of a user who has lost it.' },
  { permission: 'users:edit:{role}:{id}', description: 'Correct the name and language of a user.' },
  { permission: 'users:block:{role}:{id}', description: 'Block a user, and let them in again.' },
  { permission: 'users:end-sessions:{role}:{id}', description: 'End all sessions of a user.' },
  { permission: 'webhooks:read', description: 'See all webhooks and what was sent to them.' },
  { permission: 'webhooks:manage', description: 'Enable and disable all webhooks, and send to them again.' },
  { permission: 'balances:read', description: 'See what staff put right on customers’ balances.' },
  { permission: 'balances:adjust', description: 'Put customers’ balances right, above a limit with a second person.' },
  { permission: 'balances:approve', description: 'Be the second person who approves or refuses adjustments.' },
  { permission: 'roles:read', description: 'See the roles and the permissions of the house.' },
  { permission: 'roles:edit', description: 'Make, change and remove roles, with no more than one holds.' },
  {
    permission: 'users:grant:{role}:{id}',
    description: 'Give a user another role, or more or fewer permissions, with no more than one holds.',
  },

  { permission: 'messages:read', description: 'See which messages went out, what became of them, and their texts.' },
  { permission: 'messages:edit', description: 'Change the texts of messages, and send messages once more.' },

  { permission: 'settings:read', description: 'See what can be changed while the house runs, and who changed it.' },
  { permission: 'settings:edit', description: 'Change settings of the running house.' },
  { permission: 'queues:read', description: 'See what waits in the queues, and what was given up.' },
  { permission: 'queues:manage', description: 'Replay or drop jobs and events that were given up.' },
  { permission: 'audit:read', description: 'Look back on who did what, and export it.' },
  { permission: 'errors:read', description: 'See failures that nobody foresaw.' },
  { permission: 'errors:manage', description: 'Mark failures that nobody foresaw as seen to.' },
]
