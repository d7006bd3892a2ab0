import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'

const TYPE = 'text/csv; charset=utf-8'

/** What a route that answers a file of lines says about its answer. */
export const CSV_RESPONSE = { 200: z.string().meta({ description: TYPE }) }

/** Answers a CSV file of this name, line by line as the caller takes them. */
export function sendCsv(reply: FastifyReply, name: string, lines: AsyncIterable<string>): never {
  reply.header('content-type', TYPE)
  reply.header('content-disposition', `attachment; filename="${name}"`)
  // The stream's end is not the handler's, so no schema is applied to it.
  return reply.send(Readable.from(lines)) as never
}
