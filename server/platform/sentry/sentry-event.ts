import { createStackParser, type ErrorEvent, type Exception } from '@sentry/core'
import { nodeStackLineParser } from '@sentry/core/server'
import ipaddr from 'ipaddr.js'
import { type DescribedFailure, splitCauses } from '../failures/describe-failure.ts'
import type { Failure } from '../telemetry/failures.ts'

const parseStack = createStackParser(nodeStackLineParser())

/** People are not told to others: addresses of mail and of networks go out of every text. */
const MAIL = /[^\s@<>"'(),;:]{1,64}@[^\s@<>"'(),;:]{1,255}/g
const IPV4 = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g

/** What may be an IPv6 address: its parser tells it from a time of day. */
const MAYBE_IPV6 = /(?<![\w:.])[0-9a-f:]{2,50}(?:\.\d{1,3}){0,3}/gi

/** Node puts the port behind the bare address. */
const PORT_BEHIND = /:\d{0,5}$/

const MASK = '***'

/** Ids that tell where to look, and no person. */
const TOLD_IDS = ['request_id', 'job_id', 'event_id', 'order_id', 'chore']

/** A failure as Sentry takes it, made of its described texts alone, in which secrets are masked already. `since` counts those since the last that was sent. */
export function sentryEvent(failure: Failure, described: DescribedFailure, since: number): ErrorEvent {
  const ids = Object.entries(failure.correlation).filter(([name]) => TOLD_IDS.includes(name))
  return {
    type: undefined,
    level: failure.kind === 'process' ? 'fatal' : 'error',
    fingerprint: [described.fingerprint],
    transaction: impersonal(failure.name),
    tags: { kind: failure.kind, place: described.place, ...Object.fromEntries(ids) },
    extra: { occurrences_since_last: since },
    // Sentry wants the innermost cause first.
    exception: {
      values: splitCauses(described.stack)
        .map((stack, i) => exceptionOf(stack, i, described))
        .reverse(),
    },
  }
}

function exceptionOf(stack: string, i: number, described: DescribedFailure): Exception {
  const [first = '', ...rest] = stack.split('\n')
  const [, type = 'Error', text = ''] = /^([\w$.]{1,100}): ?(.*)$/s.exec(first) ?? []
  return {
    type: i === 0 ? described.error : type,
    value: impersonal(i === 0 ? described.message : text),
    stacktrace: { frames: parseStack(impersonal(['Error', ...rest].join('\n'))) },
    mechanism: { type: 'saldo', handled: true },
  }
}

/** A text without the people in it. */
export function impersonal(text: string): string {
  return text.replace(MAIL, MASK).replace(MAYBE_IPV6, withoutAddress).replace(IPV4, MASK)
}

function withoutAddress(text: string): string {
  if (ipaddr.IPv6.isValid(text)) return MASK
  const [behind = ''] = PORT_BEHIND.exec(text) ?? []
  return ipaddr.IPv6.isValid(text.slice(0, text.length - behind.length)) ? `${MASK}${behind}` : text
}
