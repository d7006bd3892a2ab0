import { type FieldError, InvalidRequestError, ProblemError } from '#server/platform/http/problem.ts'

/** No such message in this inbox: never there, deleted, or another's. */
export class InboxMessageNotFoundError extends ProblemError {
  override name = 'InboxMessageNotFoundError'
  constructor() {
    super({ code: 'inbox_message_not_found', status: 404, title: 'There is no such message in your inbox' })
  }
}

/** No message on its way or sent has this number. */
export class MessageNotFoundError extends ProblemError {
  override name = 'MessageNotFoundError'
  constructor() {
    super({ code: 'message_not_found', status: 404, title: 'There is no such message' })
  }
}

/** It is on its way already. */
export class MessageNotResendableError extends ProblemError {
  override name = 'MessageNotResendableError'
  constructor(state: string) {
    super({
      code: 'message_not_resendable',
      status: 409,
      title: 'The message cannot be sent again now',
      detail: `It is ${state}.`,
    })
  }
}

/** The channel is not set up in this house. */
export class ChannelNotConfiguredError extends ProblemError {
  override name = 'ChannelNotConfiguredError'
  constructor(channel: string) {
    super({
      code: 'channel_not_configured',
      status: 409,
      title: 'This channel is not set up',
      detail: `Nothing is sent by ${channel} here.`,
    })
  }
}

/** There is no kind of message of this name. */
export class TemplateNotFoundError extends ProblemError {
  override name = 'TemplateNotFoundError'
  constructor() {
    super({ code: 'template_not_found', status: 404, title: 'There is no such template' })
  }
}

/** Someone else changed it meanwhile. */
export class TemplateChangedError extends ProblemError {
  override name = 'TemplateChangedError'
  constructor(version: number) {
    super({
      code: 'template_changed',
      status: 409,
      title: 'The template was changed meanwhile',
      detail: `It is at version ${version}. Read it again and repeat your change.`,
      extra: { version },
    })
  }
}

/** A topic, channel and frequency that do not go together. */
export class BadPreferenceError extends ProblemError {
  override name = 'BadPreferenceError'
  constructor(field: string, detail: string) {
    super({ code: 'bad_preference', status: 422, title: 'This cannot be chosen', detail, field })
  }
}

/** No alert has this number. */
export class AlertNotFoundError extends ProblemError {
  override name = 'AlertNotFoundError'
  constructor() {
    super({ code: 'alert_not_found', status: 404, title: 'There is no such alert' })
  }
}

/** Texts of a message that cannot be used; each fault by the field of the request. */
export function badTexts(faults: readonly FieldError[]): InvalidRequestError {
  return new InvalidRequestError(faults.map(({ field, reason }) => ({ field: `texts.${field}`, reason })))
}
