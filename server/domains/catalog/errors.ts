import { ProblemError } from '#server/platform/http/problem.ts'

/** No service has this id. */
export class ServiceNotFoundError extends ProblemError {
  override name = 'ServiceNotFoundError'
  constructor(id: bigint | string) {
    super({ code: 'service_not_found', status: 404, title: 'There is no such service', detail: `Service ${id}.` })
  }
}

/** The provider's list is longer than an import takes; nothing was changed. */
export class OfferTooLongError extends ProblemError {
  override name = 'OfferTooLongError'
  constructor(max: number) {
    super({
      code: 'offer_too_long',
      status: 422,
      title: 'The provider offers too many services',
      detail: `An import takes up to ${max} services.`,
    })
  }
}

export type EditRefusal = 'rate_out_of_range' | 'limits_out_of_range' | 'rate_below_cost' | 'not_on_offer'

/** The edit would leave the service in a state in which it must not be sold; nothing was changed. */
export class ServiceEditRefusedError extends ProblemError {
  override name = 'ServiceEditRefusedError'
  constructor(code: EditRefusal, detail: string) {
    super({ code, status: 422, title: 'The service cannot be sold like this', detail })
  }
}

/** Nobody knows what a cost in this currency is worth; nothing was changed. */
export class ExchangeRateMissingError extends ProblemError {
  override name = 'ExchangeRateMissingError'
  constructor(asset: string) {
    super({
      code: 'no_exchange_rate',
      status: 409,
      title: 'There is no fresh exchange rate',
      detail: `Set what one ${asset} is worth before services priced in it are taken in.`,
      extra: { currency: asset },
    })
  }
}

/** No list of this provider is kept under this id, or no longer. */
export class OfferNotFoundError extends ProblemError {
  override name = 'OfferNotFoundError'
  constructor() {
    const detail = 'Lists are kept for an hour, the latest few of a provider. Read it again.'
    super({ code: 'offer_not_found', status: 404, title: 'There is no such list', detail })
  }
}

/** The provider did not tell its list; nothing was changed. */
export class OfferUnavailableError extends ProblemError {
  override name = 'OfferUnavailableError'
  constructor(detail: string) {
    super({ code: 'offer_unavailable', status: 502, title: 'The provider’s list could not be read', detail })
  }
}

/** The provider's list looks as if part of it were missing or wrong; nothing was changed. */
export class OfferSuspiciousError extends ProblemError {
  override name = 'OfferSuspiciousError'
  constructor(detail: string) {
    super({ code: 'offer_suspicious', status: 409, title: 'The provider’s list was not applied', detail })
  }
}

/** A list that was asked for later has been applied already; nothing was changed. */
export class OfferOvertakenError extends ProblemError {
  override name = 'OfferOvertakenError'
  constructor() {
    super({ code: 'offer_overtaken', status: 409, title: 'A newer list of the provider was applied meanwhile' })
  }
}
