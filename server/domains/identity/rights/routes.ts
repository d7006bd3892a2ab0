import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { App } from '#server/platform/app.ts'
import { once } from '#server/platform/idempotency/once.ts'
import { AREAS } from '../principal.ts'
import { REASON_MAX } from '../user.ts'
import type { Catalogue } from './catalogue.ts'
import { createRole } from './create-role.ts'
import { editRole } from './edit-role.ts'
import { editorOf } from './editor.ts'
import { RoleNotFoundError } from './errors.ts'
import { listRoles, roleNamed } from './queries.ts'
import { removeRole } from './remove-role.ts'
import { PERMISSION_CHARS_MAX, PERMISSIONS_MAX, ROLE_DESCRIPTION_MAX, ROLE_NAME, type Role } from './role.ts'
import { setUserPermissions } from './set-user-permissions.ts'
import { setUserRole } from './set-user-role.ts'

type RightsApp = Pick<App, 'db' | 'clock'>

const tags = ['rights']

const patterns = z
  .array(z.string().max(PERMISSION_CHARS_MAX))
  .max(PERMISSIONS_MAX)
  .meta({ example: ['users:read:customer:{id}', 'roles:read'] })

const name = z.string().regex(ROLE_NAME, 'must be a word such as night-shift').meta({ example: 'night-shift' })
const description = z.string().max(ROLE_DESCRIPTION_MAX).meta({ example: 'Answers customers at night.' })
const area = z
  .enum(AREAS)
  .nullable()
  .meta({ description: 'Where its people sign in besides /api/v1.', example: 'support' })
const staff = z.boolean().meta({ description: 'Whether the networks and the second factor of staff bind its people.' })

const roleShape = z.object({
  name,
  description,
  permissions: patterns,
  staff,
  area,
  built_in: z.boolean().meta({ description: 'Came with the house, and stays.' }),
  updated_at: z.iso.datetime(),
})

const newRole = z.strictObject({
  name,
  permissions: patterns,
  description: description.optional(),
  staff: staff.optional(),
  area: area.optional(),
})

const roleChange = z.strictObject({
  permissions: patterns.optional(),
  description: description.optional(),
  staff: staff.optional(),
  area: area.optional(),
})

const byName = z.object({ name: z.string() })

/** Roles, the catalogue of permissions, and what single users have of both. Register it under a scope that `guardRoutes` guards. */
export function rightsRoutes(app: RightsApp, catalogue: Catalogue): FastifyPluginAsyncZod {
  return async (server) => {
    await server.register(readingRoutes(app, catalogue))
    await server.register(roleRoutes(app, catalogue))
    await server.register(userRightsRoutes(app, catalogue))
  }
}

function readingRoutes(app: RightsApp, catalogue: Catalogue): FastifyPluginAsyncZod {
  const config = { permission: 'roles:read' }
  const known = z.object({ permission: z.string(), description: z.string() })
  return async (server) => {
    server.get(
      '/api/admin/permissions',
      {
        config,
        schema: {
          summary: 'List the permissions',
          description:
            'Words in braces are open: `users:read:{role}:{id}` is asked for one role and number. When granting, `*` is any word (as the last one or more) and `{id}` any number.',
          tags,
          response: { 200: z.object({ data: z.array(known) }) },
        },
      },
      async () => ({ data: [...catalogue.permissions] }),
    )

    server.get(
      '/api/admin/roles',
      {
        config,
        schema: { summary: 'List the roles', tags, response: { 200: z.object({ data: z.array(roleShape) }) } },
      },
      async () => ({ data: (await listRoles(app)).map(roleView) }),
    )

    server.get(
      '/api/admin/roles/:name',
      { config, schema: { summary: 'One role', tags, params: byName, response: { 200: roleShape } } },
      async (request) => {
        const role = await roleNamed(app, request.params.name)
        if (!role) throw new RoleNotFoundError()
        return roleView(role)
      },
    )
  }
}

function roleRoutes(app: RightsApp, catalogue: Catalogue): FastifyPluginAsyncZod {
  const config = { permission: 'roles:edit' }
  return async (server) => {
    server.post(
      '/api/admin/roles',
      {
        config: { ...config, idempotent: true },
        schema: {
          summary: 'Make a role',
          description: '403 `not_held` for a permission that you do not hold yourself; 409 `role_taken`.',
          tags,
          body: newRole,
          response: { 201: roleShape },
        },
      },
      (request, reply) => {
        const { name, permissions, description = '', staff = false, area = null } = request.body
        catalogue.refuseUnknown(permissions, 'permissions')
        const input = { name, permissions, description, staff, area }
        return once(request, reply, 201, async (within) => roleView(await createRole(within, editorOf(request), input)))
      },
    )

    server.patch(
      '/api/admin/roles/:name',
      {
        config,
        schema: {
          summary: 'Change a role',
          description:
            'For all who have it, within a second. `permissions` is the whole list. 403 `not_held` for what you add without holding it, `more_rights` for a role that may do more than you.',
          tags,
          params: byName,
          body: roleChange,
          response: { 200: roleShape },
        },
      },
      async (request) => {
        catalogue.refuseUnknown(request.body.permissions, 'permissions')
        return roleView(await editRole(app, editorOf(request), { name: request.params.name, ...request.body }))
      },
    )

    server.delete(
      '/api/admin/roles/:name',
      {
        config,
        schema: { summary: 'Remove a role that nobody has', tags, params: byName, response: { 204: z.null() } },
      },
      async (request, reply) => {
        await removeRole(app, editorOf(request), request.params.name)
        return reply.code(204).send(null)
      },
    )
  }
}

const userId = z.object({ id: z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number') })
const reason = z.string().trim().min(1).max(REASON_MAX).optional().meta({ example: 'Moved to the night shift.' })
const ownRights = z.object({ granted: patterns, denied: patterns })

function userRightsRoutes(app: RightsApp, catalogue: Catalogue): FastifyPluginAsyncZod {
  const config = { permission: 'users:grant:{role}:{id}' }
  return async (server) => {
    server.put(
      '/api/admin/users/:id/permissions',
      {
        config,
        schema: {
          summary: 'Set what a user may do more and less than the role',
          description:
            'Both lists as a whole; a denial is stronger than any grant. 403 `not_held`, `more_rights`; 409 `own_account`, `last_administrator`.',
          tags,
          params: userId,
          body: z.strictObject({ granted: patterns, denied: patterns, reason }),
          response: { 200: ownRights },
        },
      },
      async (request) => {
        const { granted, denied } = request.body
        catalogue.refuseUnknown(granted, 'granted')
        catalogue.refuseUnknown(denied, 'denied')
        const user_id = BigInt(request.params.id)
        return setUserPermissions(app, editorOf(request), { user_id, ...request.body })
      },
    )

    server.put(
      '/api/admin/users/:id/role',
      {
        config,
        schema: {
          summary: 'Give a user another role',
          description:
            'You need the right for people of both roles. 403 `not_held`, `more_rights`; 409 `own_account`, `last_administrator`.',
          tags,
          params: userId,
          body: z.strictObject({ role: name.meta({ example: 'support' }), reason }),
          response: { 200: z.object({ role: name }) },
        },
      },
      async (request) => {
        await setUserRole(app, editorOf(request), { user_id: BigInt(request.params.id), ...request.body })
        return { role: request.body.role }
      },
    )
  }
}

function roleView(role: Role): z.output<typeof roleShape> {
  const { updated_at, permissions, ...shown } = role
  return { ...shown, permissions: [...permissions], updated_at: updated_at.toISOString() }
}
