/** How receivers check that a request is ours, in three languages. All are run by a test. */
export const SAMPLES = {
  typescript: String.raw`import { createHmac, timingSafeEqual } from 'node:crypto'

/** body: the bytes as they came, before anything parses them. secret: as it was shown, whsec_ and all. */
export function isFromSaldo(secret: string, headers: Record<string, string | undefined>, body: Buffer, now_s = Date.now() / 1000) {
  const { 'webhook-id': id = '', 'webhook-timestamp': at = '', 'webhook-signature': given = '' } = headers
  if (!/^\d+$/.test(at) || Math.abs(now_s - Number(at)) > 300) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const mac = createHmac('sha256', key).update(id + '.' + at + '.').update(body).digest('base64')
  return given.split(' ').some((each) => isSame(each, 'v1,' + mac))
}

/** Of webhooks made with "signature": "hmac_sha256"; given: the header saldo-signature. */
export function isPlainlyFromSaldo(secret: string, given: string, body: Buffer) {
  const mac = createHmac('sha256', secret).update(body).digest('hex')
  return given.split(' ').some((each) => isSame(each, 'sha256=' + mac))
}

function isSame(a: string, b: string) {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}`,
  php: `<?php
// $body = file_get_contents('php://input'); the headers are $_SERVER['HTTP_WEBHOOK_ID'] and so on.
function is_from_saldo(string $secret, string $id, string $at, string $given, string $body): bool {
    if (!ctype_digit($at) || abs(time() - (int) $at) > 300) return false;
    $key = base64_decode(preg_replace('/^whsec_/', '', $secret));
    $mac = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$at.$body", $key, true));
    foreach (explode(' ', $given) as $each) if (hash_equals($mac, $each)) return true;
    return false;
}

function is_plainly_from_saldo(string $secret, string $given, string $body): bool {
    $mac = 'sha256=' . hash_hmac('sha256', $body, $secret);
    foreach (explode(' ', $given) as $each) if (hash_equals($mac, $each)) return true;
    return false;
}`,
  python: `import base64, hashlib, hmac, time

def is_from_saldo(secret: str, headers: dict, body: bytes) -> bool:
    id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (at.isascii() and at.isdigit()) or abs(time.time() - int(at)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(mac)
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)

def is_plainly_from_saldo(secret: str, given: str, body: bytes) -> bool:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected.encode(), each) for each in given.encode().split(b" "))`,
} as const

/** One request, of the specification’s own example, by which any language can be tried. */
export const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: '{"test": 2432232314}',
  standard: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  hmac_sha256: 'sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c',
} as const
