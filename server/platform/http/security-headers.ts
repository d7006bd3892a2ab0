/** Pages load from us alone. Styles may be inline, since the web's components position themselves so; scripts may not. */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/** What is no page loads nothing, should a browser show it all the same. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

/** One year, as browsers ask for. */
const STRICT_TRANSPORT = 'max-age=31536000'

/** The security headers of every answer but its content policy. HSTS only where customers reach us by https: elsewhere it would lock them out. Nothing is kept on the way or in the browser unless its route says otherwise. */
export function securityHeaders(public_url: string | undefined): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    ...(public_url?.startsWith('https:') && { 'strict-transport-security': STRICT_TRANSPORT }),
  }
}

/** The content policy that goes with a content type. */
export function contentPolicy(content_type: unknown): string {
  return typeof content_type === 'string' && content_type.startsWith('text/html') ? PAGE_POLICY : DATA_POLICY
}
