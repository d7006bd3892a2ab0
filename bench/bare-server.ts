import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers every request at once with the smallest JSON: what a steady reader sees of it is what the machine and the generator add to any server's latency. */
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
