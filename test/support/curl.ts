/** A request as a curl command spells it. */
export interface CurlRequest {
  method: string
  url: string
  headers: [string, string][]
  body: string | FormData | undefined
}

/**
 * Reads a curl command as a shell and curl would: quotes, continued lines, -s -X -H -d -F. Throws on anything else, so that an example
 * cannot use what the test does not run.
 */
export function parseCurl(command: string): CurlRequest {
  const [program, ...words] = shellWords(command)
  if (program !== 'curl') throw new Error(`not a curl command: ${command}`)
  const request: CurlRequest = { method: 'GET', url: '', headers: [], body: undefined }
  const data: string[] = []
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const value = () => {
      const next = words.shift()
      if (next === undefined) throw new Error(`${word} has no value`)
      return next
    }
    if (word === '-s') continue
    else if (word === '-X') request.method = value()
    else if (word === '-H') request.headers.push(splitAt(value(), ': '))
    else if (word === '-d') data.push(value())
    else if (word === '-F') {
      request.body ??= new FormData()
      ;(request.body as FormData).append(...splitAt(value(), '='))
    } else if (word.startsWith('-')) throw new Error(`curl option not known here: ${word}`)
    else request.url = word
  }
  if (data.length > 0) {
    request.body = data.join('&')
    if (!request.headers.some(([name]) => name.toLowerCase() === 'content-type')) {
      request.headers.push(['content-type', 'application/x-www-form-urlencoded'])
    }
  }
  if (request.body !== undefined && request.method === 'GET') request.method = 'POST'
  return request
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  if (at === -1) throw new Error(`no ${separator} in ${text}`)
  return [text.slice(0, at), text.slice(at + separator.length)]
}

/** Words between blanks; within single quotes all is itself, a backslash before a line break continues the line. */
function shellWords(command: string): string[] {
  const words = command.replaceAll('\\\n', ' ').match(/(?:'[^']*'|[^\s'])+/g) ?? []
  return words.map((word) => word.replace(/'([^']*)'/g, '$1'))
}
