import { editSetting } from '#server/domains/operations/settings/edit-setting.ts'
import { jsonSchemaOf } from '#server/domains/operations/settings/setting-views.ts'
import type { Config } from '#server/platform/config/config.ts'
import { DEFAULT } from '#server/platform/settings/change-setting.ts'
import { SettingNotFoundError } from '#server/platform/settings/errors.ts'
import {
  refusalOf,
  type StandingSetting,
  settingSteps,
  standingSettings,
  untouchedSetting,
} from '#server/platform/settings/queries.ts'
import { parseSetting, type Setting } from '#server/platform/settings/setting.ts'
import type { Saldo } from '../open-saldo.ts'
import { SETTINGS } from '../settings-list.ts'
import { type Command, commandActor, print, readArguments, UsageError, withSaldo } from './command.ts'

/** `saldo settings …` */
export const settingsCommand: Command = {
  arguments: 'list | get <name> | set <name> <value> --reason "…" | reset <name> --reason "…" | history <name>',
  summary: 'Look at and change what can be changed while the house runs',
  details: [
    'list              every setting: what holds, its unit, and * where somebody has set it',
    'get <name>        one of them: what it does, what it takes, what holds and since when',
    'set <name> <value> --reason "why" [--version 3]',
    '                  sets it; every process goes by it within a second. The value is JSON (12, "text",',
    '                  true, [1,2]) or plain text. With --version nothing is changed if somebody was quicker.',
    'reset <name> --reason "why" [--version 3]',
    '                  back to the default of whatever version runs',
    'history <name>    who changed it when, from what to what, and why; newest first',
    '',
    'Example: saldo settings set jobs.retry_base_ms 5000 --reason "The bank is slow today"',
    'Secrets are no settings: they are set in the environment.',
  ],
  run: (args, config) => {
    const [verb = 'list', ...rest] = args
    if (verb === 'list') return list(rest, config)
    if (verb === 'get') return get(rest, config)
    if (verb === 'set') return set(rest, config)
    if (verb === 'reset') return reset(rest, config)
    if (verb === 'history') return history(rest, config)
    throw new UsageError(`settings: expected list, get, set, reset or history, not "${verb}".`)
  },
}

function list(args: string[], config: Config): Promise<number> {
  readArguments(args, [], { min: 0, max: 0 })
  return withSaldo(config, async ({ app }) => {
    const standing = await standingSettings(app.db)
    for (const setting of SETTINGS.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      print(line(setting, standing.get(setting.name) ?? untouchedSetting(setting.name)))
    }
    const known = new Set(SETTINGS.map(({ name }) => name))
    for (const { name, value } of standing.values()) {
      if (!known.has(name)) print(`? ${name} = ${told(value)}  (unknown to this version; nobody reads it)`)
    }
    return 0
  })
}

function line(setting: Setting<unknown>, standing: StandingSetting): string {
  const refused = refusalOf(setting, standing).length > 0
  const value = standing.value === DEFAULT || refused ? setting.default_value : standing.value
  const mark = refused ? '!' : standing.value === DEFAULT ? ' ' : '*'
  const note = refused ? `  (stored ${told(standing.value)} is refused; the default holds)` : ''
  return `${mark} ${setting.name} = ${told(value)}${setting.unit ? ` ${setting.unit}` : ''}${note}`
}

function get(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: 1 })
  const setting = settingOf(positionals[0])
  return withSaldo(config, async ({ app }) => {
    const standing = await standingOf(app, setting)
    print(line(setting, standing))
    print(`  ${setting.description}`)
    print(`  Takes: ${JSON.stringify(jsonSchemaOf(setting))}`)
    print(`  Default: ${told(setting.default_value)}. Version: ${standing.version}.`)
    for (const { field, reason } of refusalOf(setting, standing)) print(`  Stored, but ${field} ${reason}.`)
    if (standing.at) print(`  Changed ${standing.at.toISOString()} by ${standing.actor}: ${standing.reason}`)
    return 0
  })
}

function set(args: string[], config: Config): Promise<number> {
  const { options, positionals } = readArguments(args, ['reason', 'version'], { min: 2, max: 2 })
  const setting = settingOf(positionals[0])
  const value = readValue(setting, positionals[1] as string)
  return edit(config, setting, { ...options, value })
}

function reset(args: string[], config: Config): Promise<number> {
  const { options, positionals } = readArguments(args, ['reason', 'version'], { min: 1, max: 1 })
  return edit(config, settingOf(positionals[0]), { ...options, value: DEFAULT })
}

function edit(
  config: Config,
  setting: Setting<unknown>,
  wanted: { value: unknown; reason?: string | undefined; version?: string | undefined },
): Promise<number> {
  const { value, reason, version } = wanted
  if (!reason?.trim()) throw new UsageError('--reason is missing: why it is changed.')
  if (version !== undefined && !/^\d{1,18}$/.test(version)) throw new UsageError('--version is a number such as 3.')
  return withSaldo(config, async ({ app }) => {
    const seen = version === undefined ? (await standingOf(app, setting)).version : BigInt(version)
    const actor = commandActor('settings')
    const changed = await editSetting(app, SETTINGS, { name: setting.name, value, version: seen, reason, actor })
    const same = changed.version === changed.version_before
    print(`${setting.name}: ${same ? 'already ' : `${told(changed.before)} → `}${told(changed.after)}`)
    return 0
  })
}

function history(args: string[], config: Config): Promise<number> {
  const { positionals } = readArguments(args, [], { min: 1, max: 1 })
  const name = positionals[0] as string
  return withSaldo(config, async ({ app }) => {
    const { steps, has_more } = await settingSteps(app.db, name)
    for (const { version, at, actor, before, after, reason } of steps) {
      print(`${version}  ${at.toISOString()}  ${actor}  ${told(before)} → ${told(after)}  ${reason}`)
    }
    if (has_more) print('… and older ones.')
    if (steps.length === 0) print(`${settingOf(name).name} was never changed.`)
    return 0
  })
}

function settingOf(name: string | undefined): Setting<unknown> {
  const setting = SETTINGS.find((each) => each.name === name)
  if (!setting) throw new UsageError(`${new SettingNotFoundError().title}: ${name}. "saldo settings list" names them.`)
  return setting
}

async function standingOf(app: Saldo['app'], { name }: Setting<unknown>): Promise<StandingSetting> {
  return (await standingSettings(app.db)).get(name) ?? untouchedSetting(name)
}

/** As JSON where the setting takes that, else as the text itself: so that 250 can be an amount, which is a text. */
function readValue(setting: Setting<unknown>, text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  const asText = !parseSetting(setting, value).success && parseSetting(setting, text).success
  return asText ? text : value
}

function told(value: unknown): string {
  return value === DEFAULT ? 'default' : JSON.stringify(value)
}
