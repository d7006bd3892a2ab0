import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import ipaddr from 'ipaddr.js'
import { onTestFinished } from 'vitest'

/** What a name answers to the n-th question (from 0) about one of its kinds of address: these addresses; or nothing at all, ever. */
type Answer = readonly string[] | 'silence'

/** A name server on the loopback whose names say what a test wants, otherwise each time if it likes. Stopped when the test ends. */
export async function startNameServer(
  names: Readonly<Record<string, (asked: number) => Answer>>,
): Promise<{ address: string; asked: (name: string) => number }> {
  const socket = createSocket('udp4')
  const asked = new Map<string, number>()
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question)
    const key = `${name} ${type}`
    const count = asked.get(key) ?? 0
    asked.set(key, count + 1)
    const answer = names[name]?.(count) ?? []
    if (answer === 'silence') return
    socket.send(reply(question, end, type, answer), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const { port } = socket.address() as AddressInfo
  return { address: `127.0.0.1:${port}`, asked: (name) => asked.get(`${name} ${TYPE_A}`) ?? 0 }
}

const HEADER_BYTES = 12
const TYPE_A = 1
const TYPE_AAAA = 28

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

/** RFC 1035: the question repeated, then one record for each address of the kind asked for; a lifetime of 0, so that nobody keeps it. */
function reply(question: Buffer, end: number, type: number, addresses: readonly string[]): Buffer {
  const parsed = addresses.map((address) => ipaddr.parse(address))
  const wanted = parsed.filter((address) => type === (address.kind() === 'ipv4' ? TYPE_A : TYPE_AAAA))
  const header = Buffer.from(question.subarray(0, HEADER_BYTES))
  header.writeUInt16BE(0x8180, 2)
  header.writeUInt16BE(wanted.length, 6)
  header.writeUInt32BE(0, 8)
  const records = wanted.map((address) => {
    const bytes = Buffer.from(address.toByteArray())
    const head = Buffer.alloc(HEADER_BYTES)
    // The name: a pointer to the one in the question.
    head.writeUInt16BE(0xc00c, 0)
    head.writeUInt16BE(type, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(bytes.length, 10)
    return Buffer.concat([head, bytes])
  })
  return Buffer.concat([header, question.subarray(HEADER_BYTES, end), ...records])
}
