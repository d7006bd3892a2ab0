import { ProblemError } from '#server/platform/http/problem.ts'

/** No such webhook, or another owner's. */
export class WebhookNotFoundError extends ProblemError {
  override name = 'WebhookNotFoundError'
  constructor() {
    super({ code: 'webhook_not_found', status: 404, title: 'There is no such webhook' })
  }
}

/** The event did not go to this webhook, or is older than what is kept. */
export class DeliveryNotFoundError extends ProblemError {
  override name = 'DeliveryNotFoundError'
  constructor() {
    super({
      code: 'delivery_not_found',
      status: 404,
      title: 'There is no such delivery',
      detail: 'The event did not go to this webhook, or it is older than what is kept.',
    })
  }
}

/** The address is none that we call; `detail` says why. */
export class WebhookUrlError extends ProblemError {
  override name = 'WebhookUrlError'
  constructor(detail: string) {
    super({
      code: 'webhook_url_refused',
      status: 422,
      title: 'A webhook cannot have this address',
      detail,
      field: 'url',
    })
  }
}

/** The user has as many as they may have. */
export class TooManyWebhooksError extends ProblemError {
  override name = 'TooManyWebhooksError'
  constructor(max: number) {
    super({
      code: 'too_many_webhooks',
      status: 409,
      title: 'Too many webhooks',
      detail: `An account has up to ${max} webhooks. Delete one that is no longer used.`,
    })
  }
}

/** Nothing is sent to it while it is disabled. */
export class WebhookDisabledError extends ProblemError {
  override name = 'WebhookDisabledError'
  constructor() {
    super({ code: 'webhook_disabled', status: 409, title: 'The webhook is disabled', detail: 'Enable it first.' })
  }
}

/** Someone changed it since it was read. */
export class WebhookChangedError extends ProblemError {
  override name = 'WebhookChangedError'
  constructor() {
    super({
      code: 'webhook_changed',
      status: 409,
      title: 'The webhook was changed meanwhile',
      detail: 'Read it again, and send its version with the change.',
    })
  }
}
