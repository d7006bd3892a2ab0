import { escapeHtml } from '#server/kit/html.ts'
import { prose } from './html.ts'
import type { Texts } from './texts.ts'

/** The parts of the OpenAPI document that the page shows. */
export interface OpenApi {
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, Operation>>
}

interface Operation {
  summary?: string
  description?: string
  tags?: string[]
  'x-permission'?: string | string[] | null
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>
}

interface Schema {
  type?: string | string[]
  enum?: unknown[]
  description?: string
  example?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
}

interface Field {
  name: string
  where: string
  type: string
  required: boolean
  description: string
}

/** Every operation, by tag, as a list that unfolds without a script. */
export function renderOperations(document: OpenApi, texts: Texts): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  return (document.tags ?? [])
    .map(({ name, description = '' }) => {
      const own = operations.filter(({ operation }) => operation.tags?.[0] === name)
      const list = own.map(({ path, method, operation }) => renderOperation(method, path, operation, texts))
      return `<h3>${escapeHtml(name)}</h3><p class="note">${prose(description)}</p>${list.join('\n')}`
    })
    .join('\n')
}

function renderOperation(method: string, path: string, operation: Operation, texts: Texts): string {
  const permission = [operation['x-permission'] ?? []].flat()
  const needed =
    permission.length === 0
      ? prose(texts.open_to_all)
      : permission.map((each) => `<code>${escapeHtml(each)}</code>`).join(', ')
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const types = Object.keys(answer.content ?? {}).map((each) => `<code>${escapeHtml(each)}</code>`)
    return `<li><code>${escapeHtml(status)}</code> ${prose(answer.description ?? '')} ${types.join(' ')}</li>`
  })
  return `<details><summary><span class="method">${method.toUpperCase()}</span> <code>${escapeHtml(path)}</code> ${prose(operation.summary ?? '')}</summary>
<p>${prose(operation.description ?? '')}</p>
<p>${prose(texts.permission)}: ${needed}</p>
${renderFields(fieldsOf(operation), texts)}
<p>${prose(texts.answer)}</p><ul>${answers.join('')}</ul>
</details>`
}

function fieldsOf(operation: Operation): Field[] {
  const parameters = (operation.parameters ?? []).map(({ name, in: where, required = false, description, schema }) => ({
    name,
    where,
    required,
    type: typeOf(schema ?? {}),
    description: description ?? schema?.description ?? '',
  }))
  const [content] = Object.values(operation.requestBody?.content ?? {})
  return [...parameters, ...propertiesOf(content?.schema ?? {}, '')]
}

/** The fields of a body, those of its lists' items below them. */
function propertiesOf(schema: Schema, prefix: string): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
    {
      name: `${prefix}${name}`,
      where: 'body',
      required: schema.required?.includes(name) ?? false,
      type: typeOf(property),
      description: property.description ?? '',
    },
    ...(property.items ? propertiesOf(property.items, `${prefix}${name}[].`) : []),
  ])
}

function typeOf(schema: Schema): string {
  if (schema.enum) return schema.enum.join(' | ')
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' | ')
  return [schema.type ?? ''].flat().join(' | ')
}

function renderFields(fields: readonly Field[], texts: Texts): string {
  if (fields.length === 0) return ''
  const rows = fields.map((field) => {
    const where = texts.where[field.where as keyof Texts['where']] ?? field.where
    const required = field.required ? ` · ${texts.required}` : ''
    return `<tr><td><code>${escapeHtml(field.name)}</code></td><td>${prose(where + required)}</td><td>${escapeHtml(field.type)}</td><td>${prose(field.description)}</td></tr>`
  })
  return `<table><caption class="note">${prose(texts.parameters)}</caption>${rows.join('')}</table>`
}
