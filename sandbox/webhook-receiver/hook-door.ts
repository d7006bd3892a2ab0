import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { FaultSetting } from '../door/faults.ts'
import { readBody } from '../provider/read-body.ts'
import { type Receiver, receive } from './deliveries.ts'
import { RECEIVER_FAULT_NAMES, type ReceiverFault } from './faults.ts'

/** `/hooks/<name>`: any name, made by being called. */
const HOOK = /^\/hooks\/([\w-]{1,64})(?:\?|$)/

/** More is no event of ours. */
const BODY_BYTES_MAX = 1_048_576

/** Metadata of clouds: what a redirect is most often meant to reach. */
const INSIDE = 'http://169.254.169.254/latest/meta-data/'

/** The hook that a request is for; undefined when it is for none. */
export function hookOf(request: IncomingMessage): string | undefined {
  return request.method === 'POST' ? HOOK.exec(request.url ?? '')?.[1] : undefined
}

/** Takes one request at a hook, and answers it or does not, as its faults say. */
export async function takeDelivery(
  receiver: Receiver,
  hook: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, BODY_BYTES_MAX)
  if (body === undefined) {
    response.writeHead(413).end()
    return
  }
  const fault = faultOf(receiver, hook)
  const answer = fault === undefined || fault.name === 'slow' || fault.name === 'huge' ? '200' : fault.name
  receive(receiver, hook, request.headers, body, answer)
  await reply(receiver, response, fault)
}

interface Striking extends FaultSetting {
  name: ReceiverFault
}

function faultOf({ faults }: Receiver, hook: string): Striking | undefined {
  for (const name of RECEIVER_FAULT_NAMES) {
    const setting = faults.strikes(name, hook)
    if (setting) return { ...setting, name }
  }
  return undefined
}

async function reply({ hanging }: Receiver, response: ServerResponse, fault: Striking | undefined): Promise<void> {
  switch (fault?.name) {
    case undefined:
      return send(response, 200, {}, 'ok')
    case 'hang': {
      const cut = () => void response.destroy()
      hanging.add(cut)
      response.once('close', () => hanging.delete(cut))
      return
    }
    case 'slow':
      await delay(fault.ms ?? 1_000)
      return send(response, 200, {}, 'ok')
    case 'http':
      return send(response, fault.code ?? 500, { 'content-type': 'text/html' }, '<h1>Something is wrong here</h1>')
    case 'rate_limit':
      return send(response, 429, { 'retry-after': String(Math.ceil((fault.ms ?? 1_000) / 1_000)) }, 'slow down')
    case 'gone':
      return send(response, 410, {}, 'gone')
    case 'redirect':
      return send(response, 302, { location: fault.text ?? INSIDE }, '')
    case 'cut_after':
      response.destroy()
      return
    case 'huge':
      return sendWithoutEnd(response)
  }
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: string): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body)
}

function sendWithoutEnd(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain' })
  const more = (error?: Error | null) => {
    if (!error && !response.destroyed) response.write('x'.repeat(16_384), more)
  }
  more()
}
