import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'

interface Operation {
  'x-idempotent'?: true | string
  parameters?: { name: string; in: string }[]
}

/** As long as a reason is. */
const REASON_CHARS_MIN = 20

test('every POST says how a caller repeats it safely: under an Idempotency-Key, or why it needs none', async () => {
  const { url } = await openDoors()
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, { post?: Operation }>
  }
  const posts = Object.entries(paths).flatMap(([path, { post }]) => (post ? [{ path, post }] : []))
  expect(posts.length).toBeGreaterThan(3)
  const silent = posts.filter(({ post }) => !(post['x-idempotent'] === true || isReason(post['x-idempotent'])))
  expect(
    silent.map(({ path }) => path),
    'state config.idempotent: true and answer through once(), or give the reason; see docs/adding-a-verb.md',
  ).toEqual([])
  const takesKey = ({ post }: { post: Operation }) => post.parameters?.some(({ name }) => name === 'idempotency-key')
  expect(posts.filter(({ post }) => post['x-idempotent'] === true).filter((each) => !takesKey(each))).toEqual([])
  const keyed = posts.filter(({ post }) => post['x-idempotent'] === true).map(({ path }) => path)
  expect(keyed).toEqual(expect.arrayContaining(['/api/v1/api-keys', '/api/v1/orders']))
})

function isReason(text: unknown): boolean {
  return typeof text === 'string' && text.length >= REASON_CHARS_MIN
}
