import { expect } from 'vitest'
import { newSecret } from '#server/kit/id.ts'
import type { Answer, House } from './house.ts'

/** A password that is a canary from here on. */
export function newPassword(house: House, kind: string): string {
  return house.secret({ kind, secret: `${newSecret(9)} canary ${newSecret(9)}` })
}

/** Signs in; the token is a canary from here on. */
export async function signIn(house: House, email: string, password: string): Promise<string> {
  const answer = await expectStatus(201, house.ask('POST', '/api/v1/sessions', { body: { email, password } }))
  return sessionOf(house, answer)
}

/** What a sign-in hands out, as canaries. */
export function sessionOf(house: House, answer: Answer): string {
  for (const [name, secret] of Object.entries(answer.cookies)) {
    house.secret({ kind: `cookie ${name}`, secret: String(secret) }, answer)
  }
  return house.secret({ kind: 'session token', secret: answer.body.token }, answer)
}

/** The answer, when it has this status. */
export async function expectStatus(status: number, asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked
  if (answer.status !== status) throw new Error(`not ${status}: ${answer.trace.place} ${answer.trace.text}`)
  return answer
}

/** Who was made by a command, and signed in. */
export async function anAdministrator(house: House) {
  const email = 'staff@example.com'
  const password = newPassword(house, 'password given at the terminal')
  const made = await house.command('create-user', email, '--role', 'administrator', `--password=${password}`)
  expect(made.code).toBe(0)
  return { email, password, token: await signIn(house, email, password) }
}

/** Asks every door that is there to be read, for the first of each kind where it wants a number. */
export async function lookAtEverything(house: House, by: string): Promise<void> {
  const { body } = await house.ask('GET', '/openapi.json')
  const paths = Object.entries(body.paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []))
  expect(paths).toEqual(expect.arrayContaining(['/metrics', '/api/v1/profile', '/api/admin/users']))
  for (const path of paths) await house.ask('GET', path.replaceAll(/\{\w+\}/g, '1'), { by })
}
