import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { newUuid } from '#server/kit/id.ts'
import type { App } from '#server/platform/app.ts'

let roles = 0

/** A member of staff of a role of their own with these permissions, and how they ask at the doors under `url`. */
export async function staffWith(app: App, url: string, permissions: readonly string[]) {
  roles += 1
  const role = `staff-${roles}`
  await app.db.query(`insert into identity.role (name, permissions, staff, area) values ($1, $2, true, 'admin')`, [
    role,
    permissions,
  ])
  const user = await createUser(app, { email: `${newUuid()}@example.com`, password: newUuid(), role })
  const { key } = await createApiKey(app, { user_id: user.id, name: 'desk' })
  const ask = async (method: string, path: string, body?: unknown) => {
    const headers: Record<string, string> = { 'x-api-key': key }
    if (body !== undefined) headers['content-type'] = 'application/json'
    const text = body === undefined ? null : JSON.stringify(body)
    const response = await fetch(url + path, { method, headers, body: text })
    const answered = await response.text()
    return { status: response.status, headers: response.headers, body: answered === '' ? {} : JSON.parse(answered) }
  }
  return { user_id: user.id, headers: { 'x-api-key': key }, ask }
}
