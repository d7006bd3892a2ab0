/**
 * What the pages run. The token is in the fragment, which no browser sends: it is read, taken out of the address, and sent in the body when the person has pressed the button. Opening a mail's
 * link alone changes nothing, so that programs that look into mails use up no link.
 */
export const PAGE_SCRIPT = `'use strict'
const form = document.querySelector('form')
const say = document.querySelector('[role=status]')
const token = decodeURIComponent(location.hash.slice(1))
if (token) history.replaceState(null, '', location.pathname + location.search)
for (const link of document.querySelectorAll('nav a')) link.hash = token

function tell(kind, text) {
  say.className = kind
  say.textContent = text
}

const show = document.querySelector('#show')
const password = document.querySelector('#password')
if (show) show.addEventListener('change', () => { password.type = show.checked ? 'text' : 'password' })

if (!token) {
  form.hidden = true
  tell('bad', form.dataset.no_token)
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button')
  button.disabled = true
  tell('', form.dataset.working)
  const body = { token }
  if (password) body.password = password.value
  const revoke = document.querySelector('#revoke_keys')
  if (revoke) body.revoke_api_keys = revoke.checked
  try {
    const answer = await fetch(form.getAttribute('action'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const said = await answer.json()
    if (answer.ok) {
      form.hidden = true
      tell('good', said.state === 'waiting_for_the_other' ? form.dataset.half : form.dataset.done)
      return
    }
    tell('bad', form.dataset[said.code] || (answer.status === 429 ? form.dataset.too_many_attempts : form.dataset.failed))
  } catch {
    tell('bad', form.dataset.failed)
  }
  button.disabled = false
})
`
