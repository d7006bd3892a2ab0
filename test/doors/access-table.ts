/**
 * Who may do what, written by hand: what the routes answer is held against this and never taken from the code. A new permission needs a line here, a new role a column.
 */
export const ROLES = ['customer', 'merchant', 'trader', 'teamlead', 'support', 'administrator'] as const
export type Role = (typeof ROLES)[number]

const EVERYONE: readonly Role[] = ROLES
const NOBODY_ELSE: readonly Role[] = ['administrator']
const CUSTOMERS: readonly Role[] = ['customer', 'administrator']
const CLIENTS: readonly Role[] = ['customer', 'merchant', 'administrator']

/** By permission, as routes state it. */
export const HOLDERS: Readonly<Record<string, readonly Role[]>> = {
  'account:edit:own': EVERYONE,
  'account:read:own': EVERYONE,
  'account:secure:own': EVERYONE,
  'account:two-factor:own': EVERYONE,
  'alerts:acknowledge': NOBODY_ELSE,
  'alerts:read': NOBODY_ELSE,
  'api-keys:read': NOBODY_ELSE,
  'api-keys:suspend': NOBODY_ELSE,
  'api-keys:create:own': CLIENTS,
  'api-keys:edit:own': CLIENTS,
  'api-keys:read:own': CLIENTS,
  'api-keys:revoke:own': CLIENTS,
  'audit:read': NOBODY_ELSE,
  'balance:read:own': CUSTOMERS,
  'balances:adjust': NOBODY_ELSE,
  'balances:approve': NOBODY_ELSE,
  'balances:read': NOBODY_ELSE,
  'bonuses:edit': NOBODY_ELSE,
  'bonuses:read': NOBODY_ELSE,
  'deposits:cancel:own': CUSTOMERS,
  'deposits:create:own': CUSTOMERS,
  'deposits:decide': NOBODY_ELSE,
  'deposits:read': ['support', 'administrator'],
  'deposits:read:own': CUSTOMERS,
  'errors:manage': NOBODY_ELSE,
  'errors:read': NOBODY_ELSE,
  'finance:read': NOBODY_ELSE,
  'limits:edit': NOBODY_ELSE,
  'limits:read': NOBODY_ELSE,
  'messages:edit': NOBODY_ELSE,
  'messages:edit:own': EVERYONE,
  'messages:read': NOBODY_ELSE,
  'messages:read:own': EVERYONE,
  'orders:approve-refund': NOBODY_ELSE,
  'orders:refund': NOBODY_ELSE,
  'orders:force': NOBODY_ELSE,
  'orders:cancel': ['support', 'administrator'],
  'orders:cancel:own': CUSTOMERS,
  'orders:place:own': CUSTOMERS,
  'orders:read': ['support', 'administrator'],
  'orders:read:own': CUSTOMERS,
  'orders:refill': ['support', 'administrator'],
  'orders:refill:own': CUSTOMERS,
  'refills:edit': NOBODY_ELSE,
  'orders:resolve': NOBODY_ELSE,
  'orders:resubmit': ['support', 'administrator'],
  'orders:sync': ['support', 'administrator'],
  'prices:edit': NOBODY_ELSE,
  'sources:read': NOBODY_ELSE,
  'sources:edit': NOBODY_ELSE,
  'sources:quarantine': NOBODY_ELSE,
  'prices:read': NOBODY_ELSE,
  'prices:refresh': NOBODY_ELSE,
  'promo-codes:edit': NOBODY_ELSE,
  'promo-codes:read': NOBODY_ELSE,
  'promo-codes:read:own': CUSTOMERS,
  'promo-codes:redeem:own': CUSTOMERS,
  'providers:check-balance': ['support', 'administrator'],
  'providers:edit': NOBODY_ELSE,
  'providers:read': NOBODY_ELSE,
  'providers:top-up': NOBODY_ELSE,
  'queues:manage': NOBODY_ELSE,
  'queues:read': NOBODY_ELSE,
  'roles:edit': NOBODY_ELSE,
  'roles:read': NOBODY_ELSE,
  'services:edit': NOBODY_ELSE,
  'services:import': NOBODY_ELSE,
  'services:read': ['customer', 'support', 'administrator'],
  'sessions:end:own': EVERYONE,
  'sessions:read:own': EVERYONE,
  'settings:edit': NOBODY_ELSE,
  'settings:read': NOBODY_ELSE,
  'users:block:{role}:{id}': ['support', 'administrator'],
  'users:create:{role}': NOBODY_ELSE,
  'users:edit:{role}:{id}': NOBODY_ELSE,
  'users:end-sessions:{role}:{id}': ['support', 'administrator'],
  'users:grant:{role}:{id}': NOBODY_ELSE,
  'users:read:{role}:{id}': ['support', 'administrator'],
  'users:reset-2fa:{role}:{id}': NOBODY_ELSE,
  'webhooks:create:own': CLIENTS,
  'webhooks:delete:own': CLIENTS,
  'webhooks:edit:own': CLIENTS,
  'webhooks:manage': NOBODY_ELSE,
  'webhooks:read': NOBODY_ELSE,
  'webhooks:read:own': CLIENTS,
  'webhooks:replay:own': CLIENTS,
}

/** Where a permission is about users: about those of which roles. The administrator's are about all. */
export const ABOUT: Readonly<Record<string, readonly Role[]>> = {
  'users:read:{role}:{id}': ['customer', 'merchant', 'trader'],
  'users:block:{role}:{id}': ['customer'],
  'users:end-sessions:{role}:{id}': ['customer'],
}

/** Who is at home in the areas. */
export const AT_HOME: Readonly<Record<string, readonly Role[]>> = {
  admin: ['administrator'],
  support: ['support', 'administrator'],
  teamlead: ['teamlead', 'administrator'],
  trader: ['trader', 'administrator'],
  merchant: ['merchant', 'administrator'],
}

/** What no key may do, whatever its scopes: the beginnings of permissions. */
export const NEVER_BY_KEY = [
  'account:secure:',
  'account:two-factor:',
  'api-keys:',
  'messages:edit:',
  'sessions:',
  'roles:edit',
  'users:create:',
  'users:grant:',
  'users:reset-2fa:',
]
