import { onTestFinished } from 'vitest'
import { createUser } from '#server/domains/identity/create-user.ts'
import { createApiKey } from '#server/domains/identity/keys/create-api-key.ts'
import { openProviders } from '#server/domains/providers/registry.ts'
import { newUuid } from '#server/kit/id.ts'
import { startApi } from '#server/roles/api.ts'
import { type MessageHouse, openMessageHouse } from './messages.ts'

/** What a door answered. */
export interface Answered {
  status: number
  headers: Headers
  /** Read as JSON where it is JSON, else the text. */
  body: never
}

/** Someone who is signed in. */
export interface Person {
  id: bigint
  email: string
  ask(method: string, path: string, body?: unknown): Promise<Answered>
}

/** A message house with its doors open on a real port. */
export interface MessageDoors {
  house: MessageHouse
  url: string
  person(role?: string): Promise<Person>
  /** Without any sign-in. */
  ask(method: string, path: string, body?: unknown): Promise<Answered>
  apiKey(user_id: bigint): Promise<(method: string, path: string, body?: unknown) => Promise<Answered>>
}

/** Opens it; closed when the calling test ends. */
export async function openMessageDoors(): Promise<MessageDoors> {
  const house = await openMessageHouse()
  const { secrets } = house
  const app = { ...house.app, config: { ...house.app.config, port: 0 } }
  const providers = openProviders({ ...app, secrets })
  onTestFinished(() => providers.close())
  const api = await startApi({ app: app as never, secrets, providers, close: async () => {} })
  onTestFinished(() => api.stop())
  const asking = (headers: Record<string, string>) => async (method: string, path: string, body?: unknown) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const response = await fetch(`${api.url}${path}`, {
      method,
      headers: { ...headers, ...json },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const is_json = response.headers.get('content-type')?.includes('json')
    return { status: response.status, headers: response.headers, body: (is_json ? JSON.parse(text) : text) as never }
  }
  return {
    house,
    url: api.url,
    ask: asking({}),
    person: async (role = 'customer') => {
      const email = `${newUuid()}@example.com`
      const password = newUuid()
      const { id } = await createUser(app, { email, password, role })
      const signed_in = await asking({})('POST', '/api/v1/sessions', { email, password })
      const { token } = signed_in.body as { token: string }
      return { id, email, ask: asking({ authorization: `Bearer ${token}` }) }
    },
    apiKey: async (user_id) => {
      const { key } = await createApiKey(app, { user_id, name: 'shop' } as never)
      return asking({ 'x-api-key': key })
    },
  }
}
