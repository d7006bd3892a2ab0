/** A schema of the OpenAPI document, as far as an example can be made of it. */
interface Schema {
  type?: string
  example?: unknown
  default?: unknown
  const?: unknown
  enum?: unknown[]
  minimum?: number
  required?: string[]
  properties?: Record<string, Schema>
  anyOf?: Schema[]
  oneOf?: Schema[]
}

interface Operation {
  'x-permission'?: string | string[] | null
  tags?: string[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** A route of the house as the OpenAPI document tells it. */
export interface Route {
  /** `POST /api/v1/orders`. */
  name: string
  method: string
  /** With open words: `/api/v1/order/{id}`. */
  path: string
  /** Null: open to all; a list: it checks by itself. */
  permission: string | string[] | null
  tag: string
  /** A body as its schema wants it; undefined where it takes none. */
  body: unknown
  /** Names of the fields that its body may have. */
  fields: string[]
}

/** Every route of the house at `url`, in the document's order. */
export async function routesOf(url: string): Promise<Route[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([name, operation]) => {
      const method = name.toUpperCase()
      const [content] = Object.values(operation.requestBody?.content ?? {})
      const { 'x-permission': permission = null, tags = [] } = operation
      const body = content && exampleOf(content.schema)
      const fields = Object.keys(content?.schema.properties ?? {})
      return { name: `${method} ${path}`, method, path, permission, tag: tags[0] ?? '', body, fields }
    }),
  )
}

/** Something that the schema takes, by its examples: what is required of an object and no more. */
function exampleOf(schema: Schema): unknown {
  if (schema.example !== undefined) return schema.example
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  const [choice] = schema.enum ?? schema.anyOf?.map(exampleOf) ?? schema.oneOf?.map(exampleOf) ?? []
  if (choice !== undefined) return choice
  switch (schema.type) {
    case 'object': {
      const required = (schema.required ?? []).map((name) => [name, exampleOf(schema.properties?.[name] ?? {})])
      return Object.fromEntries(required)
    }
    case 'array':
      return []
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return 'x'
  }
}
