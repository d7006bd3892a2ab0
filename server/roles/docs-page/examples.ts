/** A request that can be pasted, and its answer. A test runs each against a real server and compares the answer's shape. */
export interface Example {
  title: string
  /** `{base}` stands for this server's address, YOUR_KEY for the reader's key. */
  curl: string
  answer: string
}

const panel = {
  services: {
    title: 'What is sold',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=services`,
    answer: `[{"service":1,"name":"Translation English → German, by the word","type":"Default","category":"Translation","rate":"49.40","min":"50","max":"50000","dripfeed":false,"refill":true,"cancel":true,"desc":"Link to the text; quantity is words."}]`,
  },
  add: {
    title: 'An order',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add \\
  -d service=1 -d link=https://example.com/text -d quantity=100`,
    answer: `{"order":23501}`,
  },
  addPackage: {
    title: 'A package: no quantity',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d service=18 -d link=https://example.com/product`,
    answer: `{"order":23502}`,
  },
  addComments: {
    title: 'One line each, as JSON',
    curl: `curl -s {base}/api/v2 -H 'Content-Type: application/json' \\
  -d '{"key":"YOUR_KEY","action":"add","service":21,"link":"https://example.com/video","comments":"First line\\nSecond line"}'`,
    answer: `{"order":23503}`,
  },
  addSeo: {
    title: 'Words around keywords',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d service=25 -d link=https://example.com \\
  -d quantity=100 -d keywords=tea%0Akettle`,
    answer: `{"order":23508}`,
  },
  addNames: {
    title: 'Names as a list: two are billed',
    curl: `curl -s {base}/api/v2 -H 'Content-Type: application/json' \\
  -d '{"key":"YOUR_KEY","action":"add","service":27,"link":"https://example.com/badge","usernames":["Ada","Grace"]}'`,
    answer: `{"order":23509}`,
  },
  addMultipart: {
    title: 'The same as multipart',
    curl: `curl -s {base}/api/v2 -F key=YOUR_KEY -F action=add -F service=1 -F link=https://example.com/text -F quantity=100`,
    answer: `{"order":23504}`,
  },
  mass: {
    title: 'Many orders, one a line',
    curl: `curl -s {base}/api/v2 -H 'Content-Type: application/json' \\
  -d '{"key":"YOUR_KEY","action":"mass","orders":"1|https://example.com/a|50\\n1|https://example.com/b|1"}'`,
    answer: `[{"line":1,"order":23515},{"line":2,"error":"Quantity less than minimal 50"}]`,
  },
  addOnce: {
    title: 'Safe to repeat: the same number again',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d request_id=order-4711 \\
  -d service=1 -d link=https://example.com/text -d quantity=100`,
    answer: `{"order":23505}`,
  },
  addOtherUnderKey: {
    title: 'Another order under that key is refused',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d request_id=order-4711 \\
  -d service=1 -d link=https://example.com/text -d quantity=200`,
    answer: `{"error":"This request ID was used for another order"}`,
  },
  status: {
    title: 'One order',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=status -d order=23501`,
    answer: `{"charge":"4.94","start_count":"0","status":"In progress","remains":"100","currency":"USD"}`,
  },
  statusMany: {
    title: 'Up to 100 orders',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=status -d orders=23501,23502,999999`,
    answer: `{"23501":{"charge":"4.94","start_count":"0","status":"In progress","remains":"100","currency":"USD"},"23502":{"charge":"5.07","start_count":"0","status":"Completed","remains":"0","currency":"USD"},"999999":{"error":"Incorrect order ID"}}`,
  },
  balance: {
    title: 'What can be spent',
    curl: `curl -s {base}/api/v2 -H 'X-Api-Key: YOUR_KEY' -d action=balance`,
    answer: `{"balance":"80.068","currency":"USD"}`,
  },
  balanceByGet: {
    title: 'By GET, with a key made for it',
    curl: `curl -s '{base}/api/v2?key=YOUR_KEY&action=balance'`,
    answer: `{"balance":"80.068","currency":"USD"}`,
  },
  refill: {
    title: 'Refill of one order',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=refill -d order=23502`,
    answer: `{"error":"Refill is not available for this order"}`,
  },
  refillStatus: {
    title: 'How refills stand',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=refill_status -d refills=999998,999999`,
    answer: `[{"refill":999998,"status":{"error":"Incorrect refill ID"}},{"refill":999999,"status":{"error":"Incorrect refill ID"}}]`,
  },
  cancel: {
    title: 'Cancellation of several',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=cancel -d orders=23501,999999`,
    answer: `[{"order":23501,"cancel":1},{"order":999999,"cancel":{"error":"Incorrect order ID"}}]`,
  },
  addDripFeed: {
    title: 'Three runs, an hour apart',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d service=16 -d link=https://example.com/flyer \\
  -d quantity=50 -d runs=3 -d interval=60`,
    answer: `{"order":23511}`,
  },
  statusDripFeed: {
    title: 'How it stands',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=status -d order=23511`,
    answer: `{"charge":"5.538","start_count":"0","status":"Pending","remains":"150","currency":"USD","runs":3,"orders":[23512,23513,23514]}`,
  },
  cancelDripFeed: {
    title: 'What has not been sent is given up',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=cancel -d order=23511`,
    answer: `[{"order":23511,"cancel":1}]`,
  },
  addSubscription: {
    title: 'Ten to twenty pieces for each new post of a shop',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=add -d service=34 -d username=example-shop \\
  -d min=10 -d max=20 -d delay=30 -d posts=5`,
    answer: `{"order":23541}`,
  },
  statusSubscription: {
    title: 'How it stands, before a post',
    curl: `curl -s {base}/api/v2 -d key=YOUR_KEY -d action=status -d order=23541`,
    answer: `{"charge":"0.00","start_count":"0","status":"Pending","remains":"0","currency":"USD","posts":0,"orders":[]}`,
  },
  wrongKey: {
    title: 'A refusal',
    curl: `curl -s {base}/api/v2 -d key=sk_wrong -d action=balance`,
    answer: `{"error":"Invalid API key"}`,
  },
} satisfies Record<string, Example>

const rest = {
  restServices: {
    title: 'What is sold',
    curl: `curl -s {base}/api/v1/services`,
    answer: `{"data":[{"id":"1","name":"Translation English → German, by the word","category":"Translation","description":"Link to the text; quantity is words.","type":"Default","rate":"49.40","currency":"USD","min":"50","max":"50000","dripfeed":false}]}`,
  },
  restOrder: {
    title: 'An order, safe to repeat',
    curl: `curl -s {base}/api/v1/order -H 'X-Api-Key: YOUR_KEY' -H 'Idempotency-Key: order-4712' \\
  -H 'Content-Type: application/json' -d '{"service":"1","link":"https://example.com/text","quantity":"100"}'`,
    answer: `{"id":"23506","charge":"4.94","currency":"USD"}`,
  },
  restTraffic: {
    title: 'Visits from a device',
    curl: `curl -s {base}/api/v1/order -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"service":"32","link":"https://example.com","quantity":"100","country":"BD","device":5,"type_of_traffic":3}'`,
    answer: `{"id":"23510","charge":"0.35751","currency":"USD"}`,
  },
  restDripFeed: {
    title: 'The drip-feed, canceled',
    curl: `curl -s {base}/api/v1/drip-feeds/23511 -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"id":"23511","status":"Canceled","charge":"0.00","currency":"USD","start_count":null,"remains":"150","version":"6","service":"16","type":"Default","link":"https://example.com/flyer","quantity":"150","comments":null,"parameters":{},"request_id":null,"placed_at":"2026-11-20T12:00:00.000Z","finished_at":"2026-11-20T12:00:01.000Z","runs":3,"orders":["23512","23513","23514"],"interval":60,"canceled_at":"2026-11-20T12:00:01.000Z"}`,
  },
  restSubscription: {
    title: 'The subscription',
    curl: `curl -s {base}/api/v1/subscriptions/23541 -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"id":"23541","status":"Pending","charge":"0.00","currency":"USD","remains":"0","version":"1","posts":0,"orders":[],"service":"34","request_id":null,"placed_at":"2026-11-20T12:00:00.000Z","finished_at":null,"reserved":"2.21","posts_max":5,"username":"example-shop","min":"10","max":"20","delay":30,"new_posts":5,"old_posts":0,"expiry":null,"stop_reason":null,"stopped_at":null}`,
  },
  restOrders: {
    title: 'Several at once, an outcome for each',
    curl: `curl -s {base}/api/v1/orders -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"orders":[{"service":"1","link":"https://example.com/a","quantity":"100","request_id":"a-1"},{"service":"1","link":"https://example.com/b","quantity":"1","request_id":"b-1"}]}'`,
    answer: `{"data":[{"ok":true,"replayed":false,"order":{"id":"23507","charge":"4.94","currency":"USD"}},{"ok":false,"refusal":{"code":"quantity_below_min","field":"quantity","detail":"The quantity is below the minimum of 50.","limit":"50"}}]}`,
  },
  restMass: {
    title: 'Several as one text',
    curl: `curl -s {base}/api/v1/orders/mass -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"orders":"1|https://example.com/c|50\\n18|https://example.com/d|5|6"}'`,
    answer: `{"data":[{"ok":true,"replayed":false,"order":{"id":"23516","charge":"2.47","currency":"USD"},"line":1},{"ok":false,"refusal":{"code":"line_invalid","field":null,"detail":"A line is service|link|quantity."},"line":2}]}`,
  },
  restOne: {
    title: 'One order with its history',
    curl: `curl -s {base}/api/v1/order/23506 -H 'Authorization: ApiKey YOUR_KEY'`,
    answer: `{"id":"23506","status":"Pending","charge":"4.94","currency":"USD","start_count":null,"remains":"100","version":"1","service":"1","type":"Default","link":"https://example.com/text","quantity":"100","comments":null,"parameters":{},"drip_feed":null,"subscription":null,"request_id":"order-4712","placed_at":"2026-11-20T12:00:00.000Z","finished_at":null,"history":[{"at":"2026-11-20T12:00:00.000Z","status":"Pending"}]}`,
  },
  restList: {
    title: 'The newest orders, a page',
    curl: `curl -s '{base}/api/v1/orders?limit=1' -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"data":[{"id":"23507","status":"Pending","charge":"4.94","currency":"USD","start_count":null,"remains":"100","version":"1","service":"1","type":"Default","link":"https://example.com/a","quantity":"100","comments":null,"parameters":{},"drip_feed":null,"subscription":null,"request_id":"a-1","placed_at":"2026-11-20T12:00:00.000Z","finished_at":null}],"has_more":true,"next_cursor":"eyJpZCI6IjIzNTA3In0"}`,
  },
  restStatus: {
    title: 'How orders stand',
    curl: `curl -s '{base}/api/v1/status?orders=23506,999999' -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"data":[{"id":"23506","status":"Pending","charge":"4.94","currency":"USD","start_count":null,"remains":"100","version":"1"}],"missing":["999999"]}`,
  },
  restCancel: {
    title: 'Cancelling an order',
    curl: `curl -s -X POST {base}/api/v1/orders/23506/cancel -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"outcome":"cancelled","order":{"id":"23506","status":"Canceled","charge":"0.00","currency":"USD","start_count":null,"remains":"100","version":"2"}}`,
  },
  restCancelMany: {
    title: 'Cancelling several',
    curl: `curl -s {base}/api/v1/cancel -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' -d '{"orders":["23507","999999"]}'`,
    answer: `{"data":[{"id":"23507","ok":true,"outcome":"cancelled","code":null},{"id":"999999","ok":false,"outcome":null,"code":"order_not_found"}]}`,
  },
  restRefill: {
    title: 'A refill comes after the work',
    curl: `curl -s -X POST {base}/api/v1/orders/23506/refill -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"type":"urn:saldo:problem:order_not_delivered","title":"The order cannot be refilled","status":409,"detail":"Only what was delivered can be refilled, and order 23506 was not.","code":"order_not_delivered","request_id":"3f0c6a2e-5b9e-4a52-8a6e-0d9a3f1c7b11"}`,
  },
  restRefillMany: {
    title: 'Refills of several',
    curl: `curl -s {base}/api/v1/refill -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' -d '{"orders":["23506","999999"]}'`,
    answer: `{"data":[{"order_id":"23506","ok":false,"refill":null,"code":"order_not_delivered"},{"order_id":"999999","ok":false,"refill":null,"code":"order_not_found"}]}`,
  },
  restRefills: {
    title: 'My refills',
    curl: `curl -s {base}/api/v1/refills -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"data":[],"has_more":false,"next_cursor":null}`,
  },
  restBalance: {
    title: 'The balance',
    curl: `curl -s {base}/api/v1/balance -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"balance":"100.00","held":"29.812","available":"70.188","currency":"USD","version":"9"}`,
  },
  restRefused: {
    title: 'A refusal',
    curl: `curl -s {base}/api/v1/order -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"service":"1","link":"https://example.com/text","quantity":"1"}'`,
    answer: `{"limit":"50","type":"urn:saldo:problem:quantity_below_min","title":"The order was not taken","status":422,"detail":"The quantity is below the minimum of 50.","code":"quantity_below_min","request_id":"3f0c6a2e-5b9e-4a52-8a6e-0d9a3f1c7b11","errors":[{"field":"quantity","reason":"The quantity is below the minimum of 50."}]}`,
  },
} satisfies Record<string, Example>

const deposits = {
  depositOptions: {
    title: 'How to pay',
    curl: `curl -s {base}/api/v1/deposits/options -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"currency":"USD","amount_min":"1.00","amount_max":"10000.00","pending_max":3,"answer_days":7,"methods":[{"code":"bank_transfer","name":"Bank transfer","instructions":"Ask our support for the account to pay to, and tell us the number of the transfer."}],"bonuses":[]}`,
  },
  deposit: {
    title: 'I have paid',
    curl: `curl -s {base}/api/v1/deposits -H 'X-Api-Key: YOUR_KEY' -H 'Idempotency-Key: deposit-4711' \\
  -H 'Content-Type: application/json' -d '{"amount":"50.00","method":"bank_transfer","reference":"TRX-4711-AB"}'`,
    answer: `{"id":"5","amount":"50.00","currency":"USD","method":"bank_transfer","reference":"TRX-4711-AB","note":null,"created_at":"2026-11-20T12:00:00.000Z","expires_at":"2026-11-27T12:00:00.000Z","settled_at":null,"state":"pending","credited":null,"reason":null,"bonus":null}`,
  },
  depositRepeated: {
    title: 'The same payment again is refused',
    curl: `curl -s {base}/api/v1/deposits -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"amount":"50.00","method":"bank_transfer","reference":"trx 4711 ab"}'`,
    answer: `{"deposit_id":"5","type":"urn:saldo:problem:reference_used","title":"This payment was named before","status":409,"detail":"Your deposit 5 has the same reference.","code":"reference_used","request_id":"3f0c6a2e-5b9e-4a52-8a6e-0d9a3f1c7b11","errors":[{"field":"reference","reason":"Your deposit 5 has the same reference."}]}`,
  },
  depositList: {
    title: 'My deposits',
    curl: `curl -s '{base}/api/v1/deposits?state=pending' -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"data":[{"id":"5","amount":"50.00","currency":"USD","method":"bank_transfer","reference":"TRX-4711-AB","note":null,"created_at":"2026-11-20T12:00:00.000Z","expires_at":"2026-11-27T12:00:00.000Z","settled_at":null,"state":"pending","credited":null,"reason":null,"bonus":null}],"has_more":false,"next_cursor":null}`,
  },
} satisfies Record<string, Example>

const promoCodes = {
  promoRedeem: {
    title: 'A code is redeemed',
    curl: `curl -s {base}/api/v1/promo-codes/redeem -H 'X-Api-Key: YOUR_KEY' -H 'Idempotency-Key: promo-1' \\
  -H 'Content-Type: application/json' -d '{"code":"welcome10"}'`,
    answer: `{"id":"7","code":"WELCOME10","kind":"discount","state":"running","amount":null,"percent":"10.00","deposit_min":null,"amount_max":null,"currency":"USD","redeemed_at":"2026-11-20T12:00:00.000Z","ends_at":"2026-12-20T12:00:00.000Z","deposit_id":null,"bonus":null}`,
  },
  promoRefused: {
    title: 'A code that cannot be redeemed',
    curl: `curl -s {base}/api/v1/promo-codes/redeem -H 'X-Api-Key: YOUR_KEY' -H 'Content-Type: application/json' \\
  -d '{"code":"WELCOME11"}'`,
    answer: `{"type":"urn:saldo:problem:promo_code_refused","title":"This code cannot be redeemed","status":422,"detail":"It is not known, not valid at present, used up, or not for your account.","code":"promo_code_refused","request_id":"3f0c6a2e-5b9e-4a52-8a6e-0d9a3f1c7b11","errors":[{"field":"code","reason":"It is not known, not valid at present, used up, or not for your account."}]}`,
  },
  promoList: {
    title: 'What I have redeemed',
    curl: `curl -s '{base}/api/v1/promo-codes?limit=1' -H 'X-Api-Key: YOUR_KEY'`,
    answer: `{"discount":{"percent":"10.00","ends_at":"2026-12-20T12:00:00.000Z"},"data":[{"id":"7","code":"WELCOME10","kind":"discount","state":"running","amount":null,"percent":"10.00","deposit_min":null,"amount_max":null,"currency":"USD","redeemed_at":"2026-11-20T12:00:00.000Z","ends_at":"2026-12-20T12:00:00.000Z","deposit_id":null,"bonus":null}],"has_more":false,"next_cursor":null}`,
  },
} satisfies Record<string, Example>

/** Every example, in the order in which they are run: later ones speak of orders that earlier ones placed. */
export const EXAMPLES: typeof panel & typeof rest & typeof deposits & typeof promoCodes = {
  ...panel,
  ...rest,
  ...deposits,
  ...promoCodes,
}
export type ExampleName = keyof typeof EXAMPLES
