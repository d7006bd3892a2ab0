import { request as httpRequest } from 'node:http'

/** What came back. */
export interface RawAnswer {
  status: number
  content_type: string
  text: string
}

/** Sends exactly these bytes and headers, and reads the answer also when the server stops reading before all was sent. Rejects when there is none. */
export function sendRaw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer; chunked?: boolean } = {},
): Promise<RawAnswer> {
  const { method = 'POST', headers = {}, body = '', chunked = false } = options
  return new Promise((resolve, reject) => {
    const length: Record<string, string> = chunked
      ? { 'transfer-encoding': 'chunked' }
      : { 'content-length': String(Buffer.byteLength(body)) }
    const request = httpRequest(url, { method, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          content_type: response.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      )
      response.on('error', reject)
    })
    // After an answer this changes nothing: the promise is settled.
    request.on('error', reject)
    request.end(body)
  })
}
