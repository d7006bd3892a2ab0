/** What may stand in an act: plain values. bigint and Date are written as texts. */
export type Json =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | readonly Json[]
  | { readonly [name: string]: Json | undefined }

/**
 * Who acts: a person by session or key, the house itself, or whoever sits at its terminal. A user without `user_id` is one who is not known, such as whose sign-in
 * was refused.
 */
export interface Actor {
  readonly kind: 'user' | 'system' | 'command'
  readonly user_id?: bigint
  readonly via?: 'session' | 'key'
  readonly key_id?: bigint
  readonly ip?: string
  readonly request_id?: string
  /** Of a browser or client; of a command its name and who ran it. */
  readonly user_agent?: string
}

/** Something done that people may want to look back on. */
export interface Act {
  /** `users.blocked`: domain, dot, what was done. */
  readonly action: string
  readonly actor: Actor
  /** What it was done to: `{ kind: 'user', id: 17n }`. */
  readonly subject?: { readonly kind: string; readonly id: bigint | string }
  /** What stood before and what stands after; of a change the fields that changed. Never a secret. */
  readonly before?: Json
  readonly after?: Json
  /** Why, in the words of whoever did it. */
  readonly reason?: string
}

/** The house itself: a schedule, a rule, a job. */
export const SYSTEM: Actor = { kind: 'system' }
