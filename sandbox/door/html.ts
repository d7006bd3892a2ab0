import { escapeHtml } from '#server/kit/html.ts'

/** A page of the sandbox; `body` is HTML already. */
export function pageOf(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:1.5rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #8884;vertical-align:top}
iframe{width:100%;height:36rem;border:1px solid #8884;border-radius:.5rem;background:#fff}pre{white-space:pre-wrap;overflow-wrap:anywhere}
.quiet{opacity:.7}.them{border-left:3px solid #38f;padding-left:.6rem;margin:.5rem 0}.us{border-left:3px solid #2a7;padding-left:.6rem;margin:.5rem 0}
</style></head><body>${body}</body></html>`
}
