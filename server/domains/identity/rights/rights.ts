import { contains, overlaps, type Pattern, parsePattern } from './permission.ts'

/** What someone may do, by patterns. A denial is stronger than any grant. */
export interface RightsOf {
  granted: readonly string[]
  denied: readonly string[]
  /** A second gate, for keys: one of these must cover it too. Absent: no such gate. */
  within?: readonly string[] | undefined
}

/** Answers kept of one set of rights: the permissions of routes are few, those with ids in them many. */
const ANSWERS_MAX = 500

/** Sets of rights kept: as many as there are roles, with the exceptions of single users and the scopes of keys. */
const SETS_MAX = 2_000

const sets = new Map<string, Rights>()

/** The rights of these patterns; the same object for the same patterns, so that the answers of one serve all users of a role. */
export function rightsOf(of: RightsOf): Rights {
  const name = [of.granted.join(), of.denied.join(), of.within?.join() ?? '-'].join(' ')
  let rights = sets.get(name)
  if (!rights) {
    rights = new Rights(of)
    if (sets.size >= SETS_MAX) sets.clear()
    sets.set(name, rights)
  }
  return rights
}

/** Patterns, parsed once, and the answers that they gave. */
export class Rights {
  readonly of: RightsOf
  readonly granted: readonly Pattern[]
  readonly denied: readonly Pattern[]
  readonly within: readonly Pattern[] | undefined
  readonly #answers = new Map<string, boolean>()

  constructor(of: RightsOf) {
    this.of = of
    this.granted = of.granted.map(parsePattern)
    this.denied = of.denied.map(parsePattern)
    this.within = of.within?.map(parsePattern)
  }

  /**
   * Whether `needed`, such as `orders:place:own`, is granted and not denied. With words left open, as in `users:read:{role}:{id}`, whether that may be so for some:
   * who holds nothing that fits is refused early, and whoever knows the words asks again.
   */
  may(needed: string): boolean {
    const known = this.#answers.get(needed)
    if (known !== undefined) return known
    if (this.#answers.size >= ANSWERS_MAX) this.#answers.clear()
    const answer = this.#decide(needed)
    this.#answers.set(needed, answer)
    return answer
  }

  /** Whether all that a pattern stands for is held. */
  holds(pattern: Pattern): boolean {
    if (!this.granted.some((each) => contains(each, pattern))) return false
    if (this.denied.some((each) => overlaps(each, pattern))) return false
    return this.within?.some((each) => contains(each, pattern)) ?? true
  }

  /**
   * Whether this is no less than `other`, so that who has it may give, take and change what `other` is. What people may do with their own things (`…:own`) gives nobody power over
   * others and is left out.
   */
  isAtLeast(other: Rights): boolean {
    return this.missing(other).length === 0
  }

  /** The grants of `other` on whose account this is less. */
  missing(other: Rights): string[] {
    return other.of.granted.filter((_, i) => {
      const pattern = other.granted[i] as Pattern
      if (pattern.at(-1) === 'own') return false
      if (!this.granted.some((each) => contains(each, pattern))) return true
      if (this.within && !this.within.some((each) => contains(each, pattern))) return true
      const lost = this.denied.filter((each) => overlaps(each, pattern))
      return !lost.every((each) => other.denied.some((denied) => contains(denied, each)))
    })
  }

  #decide(needed: string): boolean {
    // A star is no word: nobody needs "anything".
    if (needed.includes('*')) return false
    const words = parsePattern(needed)
    if (words.includes('')) return false
    const fits = needed.includes('{') ? overlaps : contains
    if (!this.granted.some((each) => fits(each, words))) return false
    if (this.denied.some((each) => contains(each, words))) return false
    return this.within?.some((each) => fits(each, words)) ?? true
  }
}
