import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { actorOf } from '#server/domains/identity/actor-of.ts'
import { refuseUnmeant, staffNetworks } from '#server/domains/identity/areas/staff-networks.ts'
import type { App } from '#server/platform/app.ts'
import { keysetCursor } from '#server/platform/http/cursor.ts'
import { DEFAULT, REASON_MAX } from '#server/platform/settings/change-setting.ts'
import { SettingNotFoundError } from '#server/platform/settings/errors.ts'
import { STEPS_MAX, settingSteps, standingSettings, untouchedSetting } from '#server/platform/settings/queries.ts'
import type { Setting } from '#server/platform/settings/setting.ts'
import { editSetting } from './edit-setting.ts'
import { settingShape, settingView, stepShape, stepView, unknownShape, unknownView } from './setting-views.ts'

const tags = ['settings']

const STEPS_DEFAULT = 20

/** Newest first: a page begins below the change that ended the one before. */
const cursor = keysetCursor({ version: 'bigint' })

const named = z.object({ name: z.string().min(1).max(100).meta({ example: 'jobs.retry_base_ms' }) })

const version = z
  .string()
  .regex(/^\d{1,18}$/, 'must be the version that was read, such as "3"')
  .meta({ description: 'The version that you read. If it is no more the present one, nothing is changed: 409.' })

const reason = z
  .string()
  .trim()
  .min(1)
  .max(REASON_MAX)
  .meta({ description: 'Why; kept for ever.', example: 'The bank is slow today.' })

const confirm = z.literal(true).optional().meta({
  description:
    'That a list of networks for staff is meant so which does not have your own address, or which lets them in from everywhere.',
})

const change = z.strictObject({
  value: z
    .unknown()
    .refine((value) => value !== undefined, 'is required')
    .meta({ example: 5000 }),
  version,
  reason,
  confirm,
})

/** The levers of the running house, for staff. `settings` are all there are. Register it under a scope that `guardRoutes` guards. */
export function settingRoutes(app: App, settings: readonly Setting<unknown>[]): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app, settings))
    await server.register(changingRoutes(app, settings))
  }
}

function readingRoutes(app: App, settings: readonly Setting<unknown>[]): FastifyPluginAsyncZod {
  const permission = 'settings:read'
  return async (server) => {
    server.get(
      '/api/admin/settings',
      {
        config: { permission },
        schema: {
          summary: 'List the settings',
          description:
            'All that can be changed while the house runs, by name. `unknown`: stored ones that this version does not know.',
          tags,
          response: { 200: z.object({ data: z.array(settingShape), unknown: z.array(unknownShape) }) },
        },
      },
      async () => {
        const standing = await standingSettings(app.db)
        const known = new Set(settings.map(({ name }) => name))
        return {
          data: settings
            .toSorted((a, b) => (a.name < b.name ? -1 : 1))
            .map((setting) => settingView(setting, standing.get(setting.name) ?? untouchedSetting(setting.name))),
          unknown: [...standing.values()].filter(({ name }) => !known.has(name)).map(unknownView),
        }
      },
    )

    server.get(
      '/api/admin/settings/:name',
      {
        config: { permission },
        schema: {
          summary: 'A setting, with its history',
          description: 'Changes come newest first; older ones are at `Link: <…>; rel="next"`.',
          tags,
          params: named,
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(STEPS_MAX).default(STEPS_DEFAULT),
            cursor: z
              .string()
              .optional()
              .meta({ description: 'From `next_cursor` or the Link header of the page before.' }),
          }),
          response: {
            200: settingShape.extend({ history: z.array(stepShape), next_cursor: z.string().nullable() }),
          },
        },
      },
      async (request, reply) => {
        const { limit, cursor: given } = request.query
        const { name } = request.params
        const before = given === undefined ? undefined : cursor.decode(given).version
        const shown = await oneSetting(app, settings, name)
        const { steps, has_more } = await settingSteps(app.db, name, { before, limit })
        return { ...shown, history: steps.map(stepView), ...cursor.next(request, reply, steps, has_more) }
      },
    )
  }
}

function changingRoutes(app: App, settings: readonly Setting<unknown>[]): FastifyPluginAsyncZod {
  const permission = 'settings:edit'
  return async (server) => {
    server.put(
      '/api/admin/settings/:name',
      {
        config: { permission },
        schema: {
          summary: 'Change a setting',
          description:
            'Every process goes by it within a second. 422 `setting_refused` for a value that it does not take; 409 `setting_stale` when somebody was quicker, with the present `version`.',
          tags,
          params: named,
          body: change,
          response: { 200: settingShape },
        },
      },
      async (request) => {
        const { value, version, reason, confirm } = request.body
        const { name } = request.params
        if (name === staffNetworks.name && confirm !== true) refuseUnmeant(app.settings, value, request.ip)
        await editSetting(app, settings, { name, value, version: BigInt(version), reason, actor: actorOf(request) })
        return oneSetting(app, settings, name)
      },
    )

    server.post(
      '/api/admin/settings/:name/reset',
      {
        config: { permission, idempotent: 'a version is changed once: repeated, it is told to be stale' },
        schema: {
          summary: 'Take a setting back to its default',
          description:
            'Whatever this version, and each later one, takes as the default. 409 `opens_to_all` where that would let staff in from everywhere again and is not confirmed.',
          tags,
          params: named,
          body: z.strictObject({ version, reason, confirm }),
          response: { 200: settingShape },
        },
      },
      async (request) => {
        const { version, reason, confirm } = request.body
        const { name } = request.params
        if (name === staffNetworks.name && confirm !== true) {
          refuseUnmeant(app.settings, staffNetworks.default, request.ip)
        }
        const edit = { name, value: DEFAULT, version: BigInt(version), reason, actor: actorOf(request) }
        await editSetting(app, settings, edit)
        return oneSetting(app, settings, name)
      },
    )
  }
}

async function oneSetting(app: App, settings: readonly Setting<unknown>[], name: string) {
  const setting = settings.find((each) => each.name === name)
  if (!setting) throw new SettingNotFoundError()
  const standing = await standingSettings(app.db)
  return settingView(setting, standing.get(name) ?? untouchedSetting(name))
}
