import type { ServerResponse } from 'node:http'

/** What goes out on the wire. */
export type Reply =
  | { how: 'send'; status: number; content_type: string; body: string; location?: string }
  | { how: 'cut' }
  | { how: 'cut_middle'; body: string }
  | { how: 'hang' }

export const JSON_TYPE = 'application/json'
export const HTML_TYPE = 'text/html; charset=utf-8'

/** A JSON answer. */
export function jsonReply(value: unknown, status = 200): Reply {
  return { how: 'send', status, content_type: JSON_TYPE, body: JSON.stringify(value) }
}

/** A page, as a web server or a bot filter in front of a panel sends it. */
export function htmlReply(status: number, title: string): Reply {
  const body = `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`
  return { how: 'send', status, content_type: HTML_TYPE, body }
}

/** Sends the reply, or does not, as it says. */
export function sendReply(response: ServerResponse, reply: Reply): void {
  switch (reply.how) {
    case 'send': {
      const { status, content_type, body, location } = reply
      response.writeHead(status, {
        'content-type': content_type,
        'content-length': Buffer.byteLength(body),
        ...(location === undefined ? {} : { location }),
      })
      response.end(body)
      return
    }
    case 'cut':
      response.destroy()
      return
    case 'cut_middle': {
      const bytes = Buffer.from(reply.body)
      response.writeHead(200, { 'content-type': JSON_TYPE, 'content-length': bytes.length })
      response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => response.destroy())
      return
    }
    case 'hang':
      return
  }
}
