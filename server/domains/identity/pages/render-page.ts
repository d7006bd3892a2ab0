import { escapeHtml } from '#server/kit/html.ts'
import { LOCALES, type Locale, PASSWORD_MAX, PASSWORD_MIN } from '../user.ts'
import { type PageName, TEXTS, type Texts } from './texts.ts'

/** Where each page sends its token. */
const ACTIONS: Readonly<Record<PageName, string>> = {
  confirm: '/api/v1/email-confirmations',
  reset: '/api/v1/password-resets/completion',
  'change-email': '/api/v1/email-changes/confirmations',
  invitation: '/api/v1/password-resets/completion',
}

const LANGUAGES: Readonly<Record<Locale, string>> = { en: 'English', bn: 'বাংলা', ru: 'Русский' }

/** A balance, drawn small; in the page itself, so that a browser asks for no other file. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='3' fill='%234f46e5'/%3E%3Cpath d='M3 5h10M3 11h10' stroke='white' stroke-width='2'/%3E%3C/svg%3E"

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1c1b2e, #ecebf7); --soft: light-dark(#5b5a70, #a9a8bf); --card: light-dark(#fff, #1d1c2b); --back: light-dark(#f1f0f8, #12111c); --line: light-dark(#c9c7dc, #45435c); --brand: #4f46e5; --good: light-dark(#0d6b3f, #63d69c); --bad: light-dark(#a3182b, #ff9aa8) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--back); color: var(--ink); font: 1rem/1.55 system-ui, 'Noto Sans', 'Noto Sans Bengali', sans-serif }
main { width: min(28rem, 100%); background: var(--card); border-radius: 1rem; padding: 2rem; box-shadow: 0 1px 2px #0002, 0 12px 32px #0001 }
.brand { display: flex; align-items: center; gap: .6rem; font-weight: 700; margin: 0 0 1.5rem } .brand img { width: 2rem; height: 2rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem } p { margin: 0 0 1.25rem } .soft { color: var(--soft); font-size: .9rem }
label { display: block; font-weight: 600; margin-bottom: .35rem } .check { display: flex; gap: .6rem; align-items: center; font-weight: 400; margin: 0 0 .75rem }
input[type=password], input[type=text] { width: 100%; font: inherit; padding: .7rem .8rem; border: 1px solid var(--line); border-radius: .6rem; background: transparent; color: inherit }
input[type=checkbox] { width: 1.15rem; height: 1.15rem; accent-color: var(--brand); flex: none }
button { width: 100%; font: inherit; font-weight: 600; padding: .8rem; border: 0; border-radius: .6rem; background: var(--brand); color: #fff; cursor: pointer; margin-top: .5rem } button:disabled { opacity: .6; cursor: default } button:hover:enabled { background: #4338ca }
:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px }
#hint { margin-top: .4rem } [role=status]:empty { display: none } [role=status] { margin: 1.25rem 0 0 } .good { color: var(--good); font-weight: 600 } .bad { color: var(--bad); font-weight: 600 }
[hidden] { display: none } nav { margin-top: 1.75rem; font-size: .9rem; display: flex; gap: 1rem } nav a { color: var(--soft) }
`

/** A page behind a mailed link, whole. It loads its script from us and nothing else. */
export function renderPage(name: PageName, locale: Locale): string {
  const texts = TEXTS[locale]
  const page = texts.pages[name]
  const others = LOCALES.filter((each) => each !== locale).map(
    (each) => `<a href="/account/${name}?lang=${each}" hreflang="${each}" lang="${each}">${LANGUAGES[each]}</a>`,
  )
  return `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeHtml(page.title)} · Saldo</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
<script src="/account/page.js" defer></script>
</head>
<body>
<main>
<p class="brand"><img src="${ICON}" alt="">Saldo</p>
<h1>${escapeHtml(page.title)}</h1>
<form method="post" action="${ACTIONS[name]}" ${sayings(texts, page.done)}>
<p class="soft">${escapeHtml(page.lead)}</p>
${fieldsOf(name, texts)}<button type="submit">${escapeHtml(page.button)}</button>
</form>
<p role="status" aria-live="polite"></p>
<noscript><p class="bad">${escapeHtml(texts.no_script)}</p></noscript>
<nav aria-label="${escapeHtml(texts.language)}">${others.join('')}</nav>
</main>
</body>
</html>
`
}

/** What the script may have to say, by the code of the problem it is about. */
function sayings(texts: Texts, done: string): string {
  const { half, working, no_token, link_not_valid, email_taken, bad_field, too_many_attempts, failed } = texts
  const all = { done, half, working, no_token, link_not_valid, email_taken, bad_field, too_many_attempts, failed }
  return Object.entries(all)
    .map(([name, text]) => `data-${name}="${escapeHtml(text)}"`)
    .join(' ')
}

function fieldsOf(name: PageName, texts: Texts): string {
  if (name === 'invitation') return passwordFields(texts)
  return name === 'reset' ? passwordFields(texts) + revokeField(texts) : ''
}

function passwordFields(texts: Texts): string {
  return `<label for="password">${escapeHtml(texts.password)}</label>
<input id="password" type="password" required minlength="${PASSWORD_MIN}" maxlength="${PASSWORD_MAX}" autocomplete="new-password" aria-describedby="hint" autofocus>
<p id="hint" class="soft">${escapeHtml(texts.password_hint)}</p>
<label class="check"><input id="show" type="checkbox">${escapeHtml(texts.show)}</label>
`
}

function revokeField(texts: Texts): string {
  return `<label class="check"><input id="revoke_keys" type="checkbox">${escapeHtml(texts.revoke_keys)}</label>
`
}
