import { expect, test } from 'vitest'
import { z } from 'zod'
import { fieldErrors } from './validation.ts'

function reason(schema: z.ZodType, value: unknown): string | undefined {
  const { error } = schema.safeParse(value)
  return error && fieldErrors(error, 'body')[0]?.reason
}

test('reasons are plain English', () => {
  const cases: [z.ZodType, unknown, string][] = [
    [z.string(), undefined, 'is required'],
    [z.string(), 1, 'must be a string'],
    [z.int(), 1.5, 'must be a whole number'],
    [z.array(z.string()), {}, 'must be an array'],
    [z.string().min(1), '', 'must not be empty'],
    [z.string().min(3), 'x', 'must have at least 3 characters'],
    [z.string().length(3), 'x', 'must have exactly 3 characters'],
    [z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 item'],
    [z.number().positive(), 0, 'must be more than 0'],
    [z.bigint().max(5n), 6n, 'must be at most 5'],
    [z.number().lt(5), 5, 'must be less than 5'],
    [z.number().multipleOf(5), 6, 'must be a multiple of 5'],
    [z.email(), 'x', 'must be an e-mail address'],
    [z.uuid(), 'x', 'must be a UUID'],
    [z.iso.datetime(), 'x', 'must be a date and time such as 2026-01-31T12:00:00Z'],
    [z.string().regex(/^a$/), 'b', 'must be in the form expected'],
    [z.enum(['a', 'b']), 'c', 'must be one of a, b'],
    [z.literal('a'), 'c', 'must be a'],
    [z.union([z.string(), z.number()]), true, 'is not as expected'],
    [z.string().refine(() => false), 'x', 'is not as expected'],
    [z.string().refine(() => false, 'must rhyme'), 'x', 'must rhyme'],
    [z.string().regex(/^a$/, 'must be the letter a'), 'b', 'must be the letter a'],
  ]
  for (const [schema, value, expected] of cases) expect(reason(schema, value)).toBe(expected)
})

test('unknown fields are named, names are cut, and the list of errors ends', () => {
  const { error } = z
    .strictObject({ a: z.string() })
    .safeParse({ ['x'.repeat(500)]: 1, b: 1, ...Object.fromEntries(Array(100).entries()) })
  const errors = fieldErrors(error as z.ZodError, 'body')
  expect(errors).toHaveLength(20)
  expect(errors[0]).toEqual({ field: 'a', reason: 'is required' })
  expect(errors.every((each) => each.field.length <= 100)).toBe(true)
  expect(errors.at(-1)?.reason).toBe('is not a known field')
})
