import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authentication } from '#server/domains/identity/authentication.ts'
import { can } from '#server/domains/identity/principal.ts'
import { ACTIONS } from './actions.ts'
import type { PanelDeps } from './call.ts'
import { readFields } from './fields.ts'
import { identify } from './identify.ts'
import { ERRORS, errorBody } from './refusals.ts'

/** Answers one request of the panels' form, as JSON: who asks, what for, whether they may, and then the action's own answer. */
export async function answerRequest(
  deps: PanelDeps,
  authentication: Authentication,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<string> {
  const body = readFields(request.body)
  const url = readFields(request.query)
  // What is in the body wins.
  const texts = { ...url.texts, ...body.texts }
  const action = ACTIONS.get(texts.action?.trim() ?? '')
  const rate_class = action?.rate_class ?? 'public'
  await deps.limits.takeNetwork(rate_class, request, reply)
  const principal = await identify(authentication, request, body.texts.key, url.texts.key)
  if (principal === undefined) return errorBody(ERRORS.invalid_key)
  if (principal === 'suspended') return errorBody(ERRORS.suspended_key)
  await deps.limits.takeCaller(rate_class, principal, request, reply)
  if (action === undefined || body.malformed || url.malformed) return errorBody(ERRORS.incorrect_request)
  if (!can(principal, action.permission)) return errorBody(ERRORS.not_permitted)
  return action.answer(deps, { principal, texts, request, reply })
}
