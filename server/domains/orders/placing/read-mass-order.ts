import type { OrderRefusal } from '../errors.ts'
import { parseServiceId } from '../order-id.ts'
import type { OrderRequest } from './check-order.ts'

/** Orders in one text. */
export const MASS_LINES_MAX = 100

/** A line that is not empty, numbered as it stands in the text, and what it asks for. */
export interface MassLine {
  line: number
  asked: OrderRequest | OrderRefusal
}

/**
 * Reads many orders of one text, `service|link|quantity` a line; where the type has no quantity, `service|link` will do. Blanks around the parts do not count, empty lines are passed over.
 * Undefined when there are more than MASS_LINES_MAX: a text is refused whole, never cut. Pure.
 */
export function readMassOrder(text: string): MassLine[] | undefined {
  const lines: MassLine[] = []
  for (const [i, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (line.trim() === '') continue
    if (lines.length === MASS_LINES_MAX) return undefined
    lines.push({ line: i + 1, asked: readLine(line) })
  }
  return lines
}

function readLine(line: string): OrderRequest | OrderRefusal {
  const [service, link, quantity, ...more] = line.split('|').map((part) => part.trim())
  if (service === undefined || link === undefined || more.length > 0) {
    return { code: 'line_invalid', field: undefined, message: 'A line is service|link|quantity.' }
  }
  return { service_id: parseServiceId(service), link, quantity: quantity === '' ? undefined : quantity }
}
