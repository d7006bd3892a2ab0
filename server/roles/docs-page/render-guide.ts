import { escapeHtml } from '#server/kit/html.ts'
import { EXAMPLES, type ExampleName } from './examples.ts'
import { SECTIONS } from './guide.ts'
import { prose } from './html.ts'
import type { Texts } from './texts.ts'

/** The guide: each section with its paragraphs, tables and the examples that belong to it. `base` is the address shown in examples. */
export function renderGuide(texts: Texts, base: string): string {
  return SECTIONS.map(({ id, title, parts }) => {
    const body = parts.map((part) => {
      if (typeof part === 'string') return `<p>${prose(part)}</p>`
      if ('rows' in part) return renderTable(part.head, part.rows)
      if ('code' in part) return renderCode(part.code, part.language)
      return part.examples.map((name) => renderExample(name, texts, base)).join('\n')
    })
    return `<section id="${id}"><h2>${prose(title)}</h2>\n${body.join('\n')}\n</section>`
  }).join('\n')
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, row: readonly string[]) => row.map((cell) => `<${tag}>${prose(cell)}</${tag}>`).join('')
  const body = rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${body}</tbody></table>`
}

function renderCode(code: string, language: string): string {
  return `<h3>${escapeHtml(language)}</h3>
<pre role="group" tabindex="0" aria-label="${escapeHtml(language)}"><code>${escapeHtml(code)}</code></pre>`
}

function renderExample(name: ExampleName, texts: Texts, base: string): string {
  const { title, curl, answer } = EXAMPLES[name]
  const request = curl.replaceAll('{base}', base)
  return `<h3>${prose(title)}</h3>
<pre class="request" role="group" tabindex="0" aria-label="${escapeHtml(texts.request)}"><code>${escapeHtml(request)}</code></pre>
<pre class="answer" role="group" tabindex="0" aria-label="${escapeHtml(texts.answer)}"><code>${escapeHtml(answer)}</code></pre>`
}
