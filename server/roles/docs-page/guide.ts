import { typeRows } from '#server/domains/orders/placing/describe-types.ts'
import { wantedOf } from '#server/domains/orders/placing/read-params.ts'
import { PARAM_NAMES, PARAMS } from '#server/domains/providers/order-types.ts'
import type { ExampleName } from './examples.ts'
import { webhooks } from './webhook-guide.ts'

/** A paragraph, a table, examples, or code of a receiver. Words between backticks are code. */
export type Part =
  | string
  | { head: readonly string[]; rows: readonly (readonly string[])[] }
  | { examples: readonly ExampleName[] }
  | { code: string; language: string }

export interface Section {
  id: string
  title: string
  parts: readonly Part[]
}

const keys: Section = {
  id: 'keys',
  title: 'Keys',
  parts: [
    'A key begins with `sk_`. Make one by `POST /api/v1/api-keys`; it is shown once. It can be limited to networks and to scopes: `*` all, `read` reading, `order` placing.',
    'Send it as header `X-Api-Key: YOUR_KEY` or `Authorization: ApiKey YOUR_KEY`; at `/api/v2` also as the field `key`. In a URL it is taken only if it was made with `legacy_get`, since URLs are kept in logs.',
    'Revoking a key takes effect within a second.',
    'A key that is used as its owner never used it (a burst of orders or spending, many refused orders, many networks) is suspended by itself: it is answered with 403 `api_key_suspended`, at `/api/v2` with `This API key is suspended`; you are told, and orders that were placed go on. If others may have the key, rotate it: the new one works at once. If it was you, `POST /api/v1/api-keys/{id}/reinstate`, signed in. `GET /api/v1/api-keys` says why it is suspended.',
  ],
}

const panelForm: Section = {
  id: 'panels',
  title: 'The panels’ form: /api/v2',
  parts: [
    'One address, `POST`, with `key` and `action`. The body is a form, JSON or multipart; fields come in any order and unknown ones are passed over. The answer is always JSON. There are no redirects; `/api/v2/` is the same address.',
    'A field that is sent twice, or that is no text or number, makes the whole request `Incorrect request`: nothing is guessed.',
    {
      examples: [
        'services',
        'add',
        'addPackage',
        'addComments',
        'addMultipart',
        'mass',
        'status',
        'statusMany',
        'balance',
        'balanceByGet',
        'refill',
        'refillStatus',
        'cancel',
      ],
    },
    'Numbers of orders are numbers; amounts, `start_count` and `remains` are texts. `rate` is the price of 1000; of one, for the types `Package` and `Custom Comments Package`. The rates of `services` are yours, where special rates are agreed with you, and an order is charged by the same. `charge` is net: after `Partial` what was delivered, after `Canceled` nothing. `balance` is what can be spent; money held for orders under way is not in it.',
    {
      head: ['action', 'Fields', 'Also known as'],
      rows: [
        ['`services`', '', ''],
        ['`add`', '`service`, `link`, then what the service’s type wants, below; `request_id` if you like', ''],
        ['`mass`', '`orders`: up to 100 lines, `service|link|quantity` each; `request_id` if you like', ''],
        [
          '`status`',
          '`order`, or `orders`: up to 100, joined by commas',
          '`orders`, `multi_status`, `multi-status`, `statuses`; `order_id` for `order`',
        ],
        ['`balance`', '', ''],
        ['`cancel`', '`orders`, or `order`: the answer is an array for one too', ''],
        ['`refill`', '`order`: `{"refill":"7"}`, or `orders`: an array with numbers', ''],
        ['`refill_status`', '`refill`: `{"status":"Completed"}`, or `refills`: an array', ''],
      ],
    },
    '`mass` answers a row for each line that is not empty, with its number in the text; one that is refused does not fail the others. Under a `request_id` each line is known again by its number: repeat the same text.',
    'In a list of ids spaces are trimmed, repeats collapse, empty items vanish, and what is no order of yours is answered under its own spelling. More than 100 are refused whole.',
  ],
}

const types: Section = {
  id: 'types',
  title: 'Order types',
  parts: [
    'What an order consists of besides `service` and `link` follows from the `type` of its service. At `/api/v2` and over REST the fields have the same names; a field that the type has no use for is passed over.',
    { head: ['Type', 'Fields', 'Billed'], rows: typeRows() },
    'Fields with several entries have one a line, joined by `\\n` or `\\r\\n`, or are a list; empty lines are passed over. `min` and `max` bound what is billed, but for packages.',
    { examples: ['addSeo', 'addNames', 'restTraffic'] },
    { head: ['Field', 'What it must be'], rows: PARAM_NAMES.map((name) => [`\`${name}\``, wantedOf(PARAMS[name])]) },
  ],
}

const dripFeeds: Section = {
  id: 'drip-feed',
  title: 'Drip-feed',
  parts: [
    'Where a service has `dripfeed`, an order may be made in runs: `quantity` is each run’s, `runs` how many there are (up to 1000), `interval` the minutes from one to the next (up to 43200, and the last within 90 days). `min` bounds a run, `max` all of them together. The money for all runs is held at once; if it does not suffice, nothing is ordered.',
    { examples: ['addDripFeed', 'statusDripFeed', 'cancelDripFeed', 'restDripFeed'] },
    'The number that is answered is the drip-feed’s. `status` tells what its runs come to, and in `orders` the numbers of the orders that they are: each can be read, is told by webhooks, and is settled by itself. The drip-feed is `Pending` until a run has begun and `In progress` until all have ended; if they ended differently it is `Partial`.',
    'To cancel it cancels what has not been sent, and the money for that is back at once; what was sent goes on. Over REST the list is `GET /api/v1/drip-feeds`.',
  ],
}

const subscriptions: Section = {
  id: 'subscriptions',
  title: 'Subscriptions',
  parts: [
    'An order of type `Subscriptions` has no link: it names an account by `username`, and the work is done for each new post of it, `delay` minutes after it appears: at least `min` and at the most `max` pieces. `posts` bounds how many new posts, `old_posts` takes in as many that are there already, `expiry` is its last day. `posts` of 0, or none, is without limit of yours: then the house’s own is the bound, 100 posts where it is not set otherwise.',
    { examples: ['addSubscription', 'statusSubscription', 'restSubscription'] },
    'What one post costs is set aside when you subscribe. Each post that comes becomes an order with a number of its own, `max` pieces where its count is not told, at the rate at which you subscribed, and is charged like any order; `status` tells in `orders` which these are and in `posts` how many, and its `charge` and `remains` are theirs together. Posts count against your limits, but none is refused for them: its work has begun.',
    'Where your balance does not hold the next post, what was set aside pays for it, the subscription is stopped, and you are told. It is stopped too when all posts have come, a day after its last day, and after 30 days without a post; and it ends when you cancel it: `cancel` asks for its end, as of any order. What is set aside then goes back, and the orders of its posts go on by themselves. A post that had begun before the end may still come within a day and is charged where your balance holds it.',
    'It is `Pending` until its work is taken on, then `Active`, or `Paused`; `Completed`, `Expired` and `Canceled` are final. In lists of orders and in webhooks, where it stands among all others, it has the words of orders. Over REST the list is `GET /api/v1/subscriptions`.',
  ],
}

const errors: Section = {
  id: 'errors',
  title: 'Errors at /api/v2',
  parts: [
    'Every refusal is `{"error":"…"}` with HTTP status 200; in lists it stands in place of the item’s answer. These texts do not change. Panels of the same family answer some of them as keys that were never translated; who writes a client for several panels should know both.',
    { examples: ['wrongKey'] },
    {
      head: ['When', 'Here', 'Elsewhere also'],
      rows: [
        [
          'the key is missing, wrong, revoked, expired, or used from an address that is not on its list',
          '`Invalid API key`',
          '`Incorrect API key`',
        ],
        ['the key is suspended', '`This API key is suspended`', ''],
        ['the action is unknown, or the request cannot be read', '`Incorrect request`', '`Incorrect action`'],
        ['the key’s scopes do not cover the action', '`This API key does not allow this action`', ''],
        ['no such service', '`Incorrect service ID`', '`error.incorrect_service_id`'],
        ['the balance is too low', '`Not enough funds on balance`', '`neworder.error.not_enough_funds`'],
        [
          'the link is no web address, where the type has one',
          '`Bad link`',
          '`neworder.error.link`, `neworder.error.invalid_link`',
        ],
        [
          'an order of this service for the same link is under way, yours or another’s, and the service has one at a time',
          '`You have active order with this link. Please wait until order being completed.`',
          '`neworder.error.link_duplicate`',
        ],
        ['the quantity is no whole number', '`Incorrect quantity`', '`neworder.error.quantity`'],
        ['below the minimum', '`Quantity less than minimal 50`', '`neworder.error.min_quantity`'],
        ['above the maximum', '`Quantity more than maximum 10000`', '`neworder.error.max_quantity`'],
        ['`mass`: the line has other parts than service, link and quantity', '`Incorrect line`', ''],
        ['`mass`: more than 100 lines', '`No more than 100 orders at once`', ''],
        ['no comments, or lines too long', '`Incorrect comments`', '`neworder.error.comment`'],
        [
          'another field that the type wants is missing or makes no sense; its name stands in the text',
          '`Incorrect answer number`',
          '',
        ],
        ['`runs` or `interval` alone, or out of bounds', '`Incorrect runs`, `Incorrect interval`', ''],
        ['`runs` or `interval` for a service without drip-feed', '`Drip-feed is not available for this service`', ''],
        ['`request_id` is empty or longer than 128 characters', '`Incorrect request ID`', ''],
        ['`request_id` was used for another order', '`This request ID was used for another order`', ''],
        [
          'it would pass what you may spend in a day',
          '`Daily spend limit of 150.00 reached, 12.50 left until 2026-11-25T00:00:00.000Z`',
          '',
        ],
        [
          'you have as many orders under way as you may',
          '`Limit of 100 orders in progress reached, 0 left until one ends`',
          '',
        ],
        [
          'this API key has used up what it may order in a day',
          '`Daily quota of 500 orders for this API key reached, 3 left until 2026-11-25T00:00:00.000Z`',
          '',
        ],
        ['no such order of yours', '`Incorrect order ID`', '`error.incorrect_order_id`'],
        [
          'the order has ended, or its service cannot be cancelled (`cancel` of `services`) and the work has gone out',
          '`Cancel is not available for this order`',
          '',
        ],
        ['the service has no refill, or the order is not delivered', '`Refill is not available for this order`', ''],
        ['it has only just been delivered', '`Refill is not available for this order yet`', ''],
        [
          'it was delivered too long ago, or has had all its refills',
          '`Refill is not available for this order any more`',
          '',
        ],
        ['one is under way', '`Refill is already in progress`', ''],
        ['no such refill', '`Incorrect refill ID`', '`error.incorrect_refill_id`'],
        ['more than 100 ids', '`No more than 100 IDs at once`', ''],
        [
          'too much at once: nothing was done, send it again (status 429)',
          '`Rate limit exceeded`',
          '`Too many requests`',
        ],
        [
          'a failure of ours: it is not known what was done; repeat with the same `request_id` (status 500)',
          '`Internal error`',
          '',
        ],
      ],
    },
  ],
}

const repeating: Section = {
  id: 'repeating',
  title: 'Repeating a request safely',
  parts: [
    'When no answer comes, you cannot know whether the order was placed. Give each order a key of your own, up to 128 characters, and repeat the request under it: it makes one order, however often and however simultaneously it comes. At `/api/v2` the key is the field `request_id`, at `/api/v1/order` the header `Idempotency-Key`; each door takes both.',
    'The key is stored with the order, in one transaction, and kept for ever. A repeated request gets the first answer again; over REST with the header `Idempotent-Replayed: true`. Another order under the same key is refused. So is the same order, once it was refused for lack of money: pay in, then use a new key. Requests refused for any other reason leave the key free.',
    { examples: ['addOnce', 'addOtherUnderKey'] },
    'Every other request that makes something takes an `Idempotency-Key` of 1 to 255 characters too, `POST /api/v1/orders` among them. It is known again for two days, per account and route: the same request is answered as it was, refusals included; another one under the key is refused with 422 `idempotency_key_reused`; and while the first is under way, 409 `idempotency_key_in_flight` asks you to repeat it in a moment. What failed on our side, and what was refused for the moment (429, 503), leaves the key free.',
  ],
}

const statuses: Section = {
  id: 'statuses',
  title: 'Statuses',
  parts: [
    {
      head: ['Status', 'Meaning', 'Money'],
      rows: [
        ['`Pending`', 'taken; the work has not begun', 'the charge is held'],
        ['`Processing`, `In progress`', 'the work is under way', 'held'],
        ['`Completed`', 'all is delivered', 'the charge is paid'],
        [
          '`Partial`',
          'a part is delivered, the rest will not be',
          'the delivered part is paid, the rest is back on the balance',
        ],
        ['`Canceled`', 'nothing is delivered', 'all is back on the balance'],
      ],
    },
    'Where we give back something of what you paid for an order that has ended, its status stays and its `charge` becomes less; you are told by mail, with the reason, and by the webhook `order.refunded`.',
    'The last three are final. `remains` is how many pieces are still to come. Over REST each order has a `version` that grows with each change: of two answers the higher one is newer.',
  ],
}

const restDoor: Section = {
  id: 'rest',
  title: 'REST: /api/v1',
  parts: [
    'JSON in and out. Ids and amounts are texts. Besides a key it takes the token of a session (`POST /api/v1/sessions`) as `Authorization: Bearer …`.',
    {
      examples: [
        'restServices',
        'restOrder',
        'restOrders',
        'restOne',
        'restList',
        'restStatus',
        'restBalance',
        'restMass',
      ],
    },
    'Lists are pages: `limit` 1 to 100, then the address in the header `Link` with `rel="next"`, which is absent on the last page.',
    'All your orders, or those of one status, come as a file for spreadsheets from `GET /api/v1/orders.csv?status=Completed`, newest first.',
    'Refusals are RFC 9457 problems: `code` for programs, `title` and `detail` for people, the fields in `errors`, and a `request_id` to name when you ask about it. 402 `insufficient_funds` means that money alone is missing; 429 `quota_exceeded` that the key may order no more today; 422 that the order is not acceptable as it is.',
    { examples: ['restRefused'] },
  ],
}

const deposits: Section = {
  id: 'deposits',
  title: 'Paying in by hand',
  parts: [
    'Pay by one of the ways on offer, then tell us how much, by which way, and by what we find the payment: the number of the transaction. Our staff look for it and credit what has arrived.',
    { examples: ['depositOptions', 'deposit', 'depositRepeated', 'depositList'] },
    'A deposit is `pending` until it is `approved`, `refused`, `canceled` by you (`POST /api/v1/deposits/{id}/cancel`) or `expired`. `credited` is what came onto the balance; where it is another amount than yours, and where it was refused, `reason` says why. Where `bonuses` of the options, or a code that you have redeemed, promise something on top when you tell us of a payment, `bonus` is what was given. You are told by mail, and by the webhooks `deposit.approved`, `deposit.refused` and `deposit.expired`.',
    'Of a reference letters and digits count. A payment that is pending or credited is not taken a second time; one that was refused, canceled or has expired may be named again.',
  ],
}

const promoCodes: Section = {
  id: 'promo-codes',
  title: 'Promo codes',
  parts: [
    'A code is redeemed once, with `POST /api/v1/promo-codes/redeem`; capitals do not count. Its `kind` says what it brings: `credit` is on the balance at once; `discount` makes the rates of the list lower until `ends_at`; `deposit` promises something on top of the next deposit that you tell us of before `ends_at`, and is `used` once you have had it.',
    { examples: ['promoRedeem', 'promoRefused', 'promoList'] },
    'With a discount your list shows what you pay, until the second it ends: where special rates are agreed with you, the lower one of both counts for each service. Of a code and a bonus for all the better one is given with a deposit, never both.',
    'A code that is not known, not valid at present, used up or not for you is refused with 422 `promo_code_refused`, which does not tell which; one that you have with 409 `promo_code_redeemed`. Who tries many is stopped with 429 for some minutes. `GET /api/v1/promo-codes` has all that you have redeemed, and the `discount` that you have at present. A key needs the scope `*` to redeem, and `read` to look.',
  ],
}

const afterSales: Section = {
  id: 'after-sales',
  title: 'Cancelling and refills',
  parts: [
    'An order whose work has not gone out is canceled at once, and its charge is back on the balance. Of others, where the service has `cancel`, we ask for their end: `1`, over REST `requested`, says that the wish was taken and no more. What becomes of the order its status tells: `Canceled`, `Partial` with what was delivered paid, or `Completed` where it was too late. A wish repeated while the first holds counts as the first; one that was refused may be repeated, three times in all.',
    { examples: ['restCancel', 'restCancelMany'] },
    'Where a service has `refill`, what has dropped after an order was `Completed` or `Partial` is made good: ask for it from 24 hours to 30 days after the order’s end, unless the service has other times. One refill is under way at a time, and an order has three at the most. It is `Pending`, `In progress`, and then `Completed`, `Rejected`, or `Error` where it could not be asked for; you are told of the end by mail and by the webhooks `refill.completed` and `refill.rejected`. No money moves.',
    { examples: ['restRefill', 'restRefillMany', 'restRefills'] },
    'Over REST, 409 `order_not_delivered`, `refill_not_available`, `refill_too_early` with `available_at`, `refill_window_over`, `refill_under_way` and `refill_limit_reached` say why an order is not refilled; `GET /api/v1/refill-status?refills=7,8` tells of many.',
    'Over REST, 409 `order_ended`, `cancel_not_available` and `cancel_refused` say why an order is not canceled; `POST /api/v1/cancel` takes up to 100 and answers an outcome for each.',
  ],
}

const limits: Section = {
  id: 'limits',
  title: 'Limits',
  parts: [
    {
      head: ['What', 'Limit'],
      rows: [
        ['a request’s body', '1 MiB'],
        ['ids in one `status`', '100'],
        ['orders in one `POST /api/v1/orders`', '100; 1000 with all runs of drip-feeds'],
        ['lines in one `mass` or `POST /api/v1/orders/mass`', '100'],
        ['a link', '2048 characters'],
        ['a comment', '2000 characters; all lines of one field together 262,144'],
        ['a request’s own key', '128 characters'],
        ['a page of orders', '100'],
        ['a page of drip-feeds, or of subscriptions', '20'],
        ['posts of a subscription', '100, where the house has not set it otherwise'],
      ],
    },
    'What you may spend on orders in a day, and how many you may have under way, may be limited too: `GET /api/v1/limits` tells how much is left of it. An order beyond it is refused with 422 `daily_spend_limit_reached` or `too_many_orders_in_flight`; its key stays free.',
    'What one API key may order and spend in a day you set yourself by `PUT /api/v1/api-keys/{id}/quota`, signed in; the house may set a quota too, and the smaller one holds. A key that you rotate shares it with the one that takes its place. An order beyond it is refused with 429 `quota_exceeded`, with `resets_at` and `Retry-After`; of what is cancelled the same day the quota is free again.',
    'What your keys were used for, by day, is told by `GET /api/v1/usage`, and as a file by `GET /api/v1/usage.csv`: orders, what was held, captured and given back for them, refused orders and requests, and your balance. `from` and `to` name up to 92 days, `key_id` one key.',
    'Requests are counted by network (an IPv4 address, or a /64 of IPv6), by key and by user, apart for `reading`, `ordering`, `changing`, `redeeming`, `signing_in` and what is `public`; at `/api/v2` by the action. What the limits are stands in each answer’s `RateLimit-Policy`, what is left of the tightest in `RateLimit`: `"ordering-per-key";r=1999;t=10` is 1999 more requests, and new ones in 10 seconds. One too many is answered with 429, `Retry-After`, and the names of the policies in `violated-policies`; nothing was done, so it may be sent again.',
  ],
}

export const SECTIONS: readonly Section[] = [
  keys,
  panelForm,
  types,
  dripFeeds,
  subscriptions,
  errors,
  repeating,
  statuses,
  restDoor,
  afterSales,
  deposits,
  promoCodes,
  webhooks,
  limits,
]
