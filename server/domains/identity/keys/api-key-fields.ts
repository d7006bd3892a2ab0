import { ALLOWED_IPS_MAX, normalNetwork } from '../allowed-ips.ts'
import { BadFieldError } from '../errors.ts'
import { SCOPES, type Scope } from '../principal.ts'
import { isName, NAME_MAX } from '../user.ts'

/** What the owner of a key decides. */
export interface ApiKeyFields {
  name: string
  scopes: Scope[]
  /** As PostgreSQL writes them; none: from everywhere. */
  allowed_ips: string[]
  legacy_get: boolean
}

/** As someone typed them; what is absent is left out of the answer too. Throws BadFieldError (`name`, `scopes`, `allowed_ips`). */
export function checkApiKeyFields(input: {
  name?: string | undefined
  scopes?: readonly string[] | undefined
  allowed_ips?: readonly string[] | undefined
  legacy_get?: boolean | undefined
}): Partial<ApiKeyFields> {
  const { name, scopes, allowed_ips, legacy_get } = input
  return {
    ...(name !== undefined && { name: checkedName(name) }),
    ...(scopes !== undefined && { scopes: checkedScopes(scopes) }),
    ...(allowed_ips !== undefined && { allowed_ips: checkedNetworks(allowed_ips) }),
    ...(legacy_get !== undefined && { legacy_get }),
  }
}

function checkedName(text: string): string {
  const name = text.trim()
  if (name === '' || !isName(name)) throw new BadFieldError('name', `1 to ${NAME_MAX} characters.`)
  return name
}

function checkedScopes(given: readonly string[]): Scope[] {
  const scopes = [...new Set(given)]
  if (scopes.length === 0 || !scopes.every(isScope)) {
    throw new BadFieldError('scopes', `One or more of ${Object.keys(SCOPES).join(', ')}.`)
  }
  return scopes as Scope[]
}

function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text)
}

function checkedNetworks(given: readonly string[]): string[] {
  const networks = given.map(normalNetwork).filter((each) => each !== undefined)
  if (networks.length !== given.length || given.length > ALLOWED_IPS_MAX) {
    throw new BadFieldError(
      'allowed_ips',
      `Up to ${ALLOWED_IPS_MAX} addresses or CIDRs, such as 192.0.2.7 or 2001:db8::/32.`,
    )
  }
  return [...new Set(networks)]
}
