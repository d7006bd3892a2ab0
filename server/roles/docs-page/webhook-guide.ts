import type { Section } from './guide.ts'
import { SAMPLES, VECTOR } from './webhook-samples.ts'

/** What receivers of webhooks have to know. */
export const webhooks: Section = {
  id: 'webhooks',
  title: 'Receiving webhooks',
  parts: [
    'Make one by `POST /api/v1/webhooks`; `GET /api/v1/webhooks/event-types` lists what it can be told of, with bodies. The secret is shown once. Answer 2xx as soon as the event is stored with you, and work on it afterwards: after 15 seconds the attempt has failed. Redirects are not followed and count as failures; of your answer only the status matters.',
    'Check the signature before you believe a body, over the bytes as they came. By Standard Webhooks it is `webhook-signature`: `v1,` and the base64 of the HMAC-SHA256 of `webhook-id`, a full stop, `webhook-timestamp`, a full stop, and the body, by the bytes that the base64 behind `whsec_` stands for. A webhook made with `"signature":"hmac_sha256"` has `saldo-signature` instead: `sha256=` and the hexadecimal HMAC-SHA256 of the body alone, by the secret as it was shown; it does not cover the time, so whoever overheard a request can send it again. While a secret is being changed there are two signatures with a space between, and either may hold.',
    { code: SAMPLES.typescript, language: 'TypeScript' },
    { code: SAMPLES.php, language: 'PHP' },
    { code: SAMPLES.python, language: 'Python' },
    'To try your own: with this secret, this request is signed so. Its time is long past, so leave that check out for the trial.',
    {
      head: ['What', 'Value'],
      rows: [
        ['secret', `\`${VECTOR.secret}\``],
        ['`webhook-id`', `\`${VECTOR.id}\``],
        ['`webhook-timestamp`', `\`${VECTOR.timestamp}\``],
        ['body', `\`${VECTOR.body}\``],
        ['`webhook-signature`', `\`${VECTOR.standard}\``],
        ['`saldo-signature`', `\`${VECTOR.hmac_sha256}\``],
      ],
    },
    {
      head: ['What happens', 'What it means for you'],
      rows: [
        [
          'An event arrives at least once',
          'The same event has the same `webhook-id` on every attempt and every replay. Keep the ids you have taken, in the transaction that acts on the event and under a unique key, and answer 2xx to one you know.',
        ],
        [
          'Events may overtake one another',
          'What was tried again comes later than what happened since. `data.version` of an order or a balance grows: keep the higher one and pass over the lower. Do not order by time of arrival.',
        ],
        [
          'A failed attempt is made again',
          'After 5 seconds, 5 and 30 minutes, then 2, 5, 10, 14, 20 and 24 hours, each up to a tenth sooner or later: ten attempts in about three days. A longer `Retry-After` is heeded, up to an hour. The operator may have set other waits.',
        ],
        [
          'You answer 429, 502, 503 or 504',
          'The whole webhook rests, for as long as `Retry-After` says or for a second and longer each time.',
        ],
        ['You answer 410', 'The webhook is disabled at once and you get a mail. Answer it when you want nothing more.'],
        [
          'Nothing but failures for 120 hours',
          'The webhook is disabled and you get a mail. One success and the time starts anew. What happens while it is disabled is kept and can be replayed.',
        ],
        [
          'You missed something',
          '`POST /api/v1/webhooks/{id}/replay` with `since` sends all that failed again, with `"which":"all"` all; `…/deliveries/{event}/replay` sends one. Up to 1,000 a call; `GET /api/v1/webhooks/deliveries` shows each attempt with its request and answer. Events are kept for 30 days.',
        ],
        ['You want to try it', '`POST /api/v1/webhooks/{id}/test` sends a `webhook.test`, once.'],
      ],
    },
  ],
}
