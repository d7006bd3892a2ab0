import { expect, test } from 'vitest'
import { openDoors } from '#test/support/doors.ts'
import { editService } from './edit-service.ts'

test('everyone reads what is sold, and once only while nothing changes', async () => {
  const { shop, url } = await openDoors()
  const read = async (if_none_match?: string) => {
    const headers = if_none_match === undefined ? {} : { 'if-none-match': if_none_match }
    const response = await fetch(`${url}/api/v1/services`, { headers })
    return { status: response.status, etag: response.headers.get('etag') ?? '', text: await response.text() }
  }
  const first = await read()
  expect(first.status).toBe(200)
  const { data } = JSON.parse(first.text)
  expect(data).toHaveLength(shop.services.length)
  const sold = shop.service('Default')
  expect(data).toContainEqual({
    id: String(sold.id),
    name: sold.name,
    category: sold.category,
    description: sold.description,
    type: 'Default',
    rate: expect.stringMatching(/^\d+\.\d{2,6}$/),
    currency: 'USD',
    min: String(sold.min),
    max: String(sold.max),
    dripfeed: sold.dripfeed,
  })

  for (const tags of [first.etag, `W/${first.etag}`, `"x", ${first.etag}`, '*']) {
    expect(await read(tags)).toMatchObject({ status: 304, etag: first.etag, text: '' })
  }
  expect((await read('"x"')).status).toBe(200)
  await editService(shop.app, { service_id: sold.id, rate: sold.rate * 2n })
  const changed = await read(first.etag)
  expect(changed.status).toBe(200)
  expect(changed.etag).not.toBe(first.etag)
})
