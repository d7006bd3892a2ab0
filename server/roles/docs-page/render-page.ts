import { escapeHtml } from '#server/kit/html.ts'
import type { Config } from '#server/platform/config/config.ts'
import { SECTIONS } from './guide.ts'
import { prose } from './html.ts'
import { renderGuide } from './render-guide.ts'
import { type OpenApi, renderOperations } from './render-operations.ts'
import { STYLE } from './style.ts'
import { LANGUAGES, type Language, TEXTS } from './texts.ts'

const NAMES: Readonly<Record<Language, string>> = { en: 'English', bn: 'বাংলা', ru: 'Русский' }

/** A balance, drawn small. In the page itself, so that a browser asks for no other file. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%234f46e5'/%3E%3Cpath d='M3 5h10M3 11h10' stroke='white' stroke-width='2'/%3E%3C/svg%3E"

/** The whole page in one language, from the OpenAPI document and the guide. */
export function renderPage(
  document: OpenApi,
  language: Language,
  config: Pick<Config, 'mode' | 'public_url' | 'port'>,
): string {
  const texts = TEXTS[language]
  const base = config.public_url?.replace(/\/$/, '') ?? `http://localhost:${config.port}`
  const banner = config.mode === 'sandbox' ? `<p class="banner" role="status">${prose(texts.sandbox)}</p>` : ''
  const contents = [...SECTIONS.map(({ id, title }) => ({ id, title })), { id: 'reference', title: texts.reference }]
  const languages = LANGUAGES.map((each) =>
    each === language
      ? `<strong lang="${each}">${NAMES[each]}</strong>`
      : `<a href="/docs?lang=${each}" hreflang="${each}" lang="${each}">${NAMES[each]}</a>`,
  )
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(texts.title)}</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
</head>
<body>
${banner}
<header>
<h1>${prose(texts.title)}</h1>
<p>${prose(texts.lead)}</p>
<p><a href="/openapi.json">${prose(texts.document)}</a></p>
<nav aria-label="${escapeHtml(texts.language)}">${languages.join(' · ')}</nav>
</header>
<nav aria-label="${escapeHtml(texts.contents)}"><ul>${contents.map(({ id, title }) => `<li><a href="#${id}">${prose(title)}</a></li>`).join('')}</ul></nav>
<main>
${renderGuide(texts, base)}
<section id="reference"><h2>${prose(texts.reference)}</h2>
${renderOperations(document, texts)}
</section>
</main>
</body>
</html>
`
}
