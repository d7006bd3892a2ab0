import type { IncomingMessage } from 'node:http'

/** Reads a request's body. Undefined when it exceeds `bytes_max`. Rejects when the caller goes away. */
export function readBody(request: IncomingMessage, bytes_max: number): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytes_max) chunks.push(chunk)
      else resolve(undefined)
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
    request.on('error', reject)
  })
}
