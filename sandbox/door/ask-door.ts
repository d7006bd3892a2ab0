/** Asks a control door in JSON. Throws an Error with the door's own message when it refuses. */
export function askDoor(control_url: string): <T>(method: string, path: string, body?: unknown) => Promise<T> {
  return async (method, path, body) => {
    const response = await fetch(`${control_url}${path}`, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    })
    const answer = (await response.json()) as never
    const { error } = answer as { error?: string }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${error}`)
    return answer
  }
}

/** Fields as a query; those that are undefined are left out. */
export function queryOf(fields: object): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value))
  return query
}
