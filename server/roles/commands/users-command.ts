import { recordActs } from '#server/domains/audit/record-acts.ts'
import { newPassword } from '#server/domains/identity/accounts/new-password.ts'
import { hashPassword } from '#server/domains/identity/accounts/password.ts'
import { setPassword } from '#server/domains/identity/accounts/set-password.ts'
import { userByEmail } from '#server/domains/identity/queries.ts'
import { endSessions } from '#server/domains/identity/sessions/end-sessions.ts'
import { removeTotp } from '#server/domains/identity/two-factor/disable-totp.ts'
import type { User } from '#server/domains/identity/user.ts'
import { newSecret } from '#server/kit/id.ts'
import type { Config } from '#server/platform/config/config.ts'
import type { Saldo } from '../open-saldo.ts'
import { type Command, commandActor, print, readArguments, UsageError, withSaldo } from './command.ts'

const REASON_MAX = 500

/** What is done to one user; `reason` goes into the audit. */
type Act = (saldo: Saldo, user: User, options: { reason: string; password: string | undefined }) => Promise<void>

const ACTS: Readonly<Record<string, Act>> = {
  'reset-password': async ({ app }, user, { password: given, reason }) => {
    const password = newPassword(given ?? newSecret(18), { email: user.email })
    const password_hash = await hashPassword(app, password)
    const by = commandActor('users reset-password')
    await app.db.transaction(async (tx) =>
      setPassword(tx, { user_id: user.id, password_hash, now: app.clock.now(), by, reason, revoke_api_keys: false }),
    )
    print(`${user.email} is signed out everywhere${given ? '' : `; the new password is ${password}`}`)
  },
  'end-sessions': async ({ app }, user, { reason }) => {
    const by = commandActor('users end-sessions')
    await app.db.transaction(async (tx) => {
      endSessions(tx, { user_id: user.id, now: app.clock.now() })
      recordActs(tx, [{ action: 'users.sessions_ended', actor: by, subject: { kind: 'user', id: user.id }, reason }])
    })
    print(`${user.email} is signed out everywhere.`)
  },
  'disable-totp': async ({ app }, user, { reason }) => {
    const by = commandActor('users disable-totp')
    await app.db.transaction((tx) => removeTotp(tx, { user_id: user.id, now: app.clock.now(), by, reason }))
    print(`${user.email} signs in by the password alone.`)
  },
}

/** `saldo users …`: for emergencies, when the doors do not help. */
export const usersCommand: Command = {
  arguments: 'reset-password | end-sessions | disable-totp <email> [--reason "lost telephone"] [--password …]',
  summary: 'Help a user in an emergency: new password, sign out everywhere, second factor off',
  run: (args, config) => {
    const [name = '', ...rest] = args
    const act = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined
    if (!act) throw new UsageError(`users: expected ${Object.keys(ACTS).join(', ')}${name ? `, not "${name}"` : ''}.`)
    const names = name === 'reset-password' ? ['reason', 'password'] : ['reason']
    const { options, positionals } = readArguments(rest, names, { min: 1, max: 1 })
    const reason = options.reason?.trim() ?? 'by command'
    if (reason === '' || reason.length > REASON_MAX) throw new UsageError(`--reason has 1 to ${REASON_MAX} characters.`)
    return run(config, act, positionals[0] as string, { reason, password: options.password })
  },
}

function run(config: Config, act: Act, email: string, options: Parameters<Act>[2]): Promise<number> {
  return withSaldo(config, async (saldo) => {
    const user = await userByEmail(saldo.app, email)
    if (!user) throw new UsageError(`There is no user ${email}.`)
    await act(saldo, user, options)
    return 0
  })
}
