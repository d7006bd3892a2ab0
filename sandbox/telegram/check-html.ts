/** The tags that the Bot API takes in texts. */
const TAGS = new Set(['b', 'strong', 'i', 'em', 'u', 's', 'code', 'pre', 'a', 'blockquote'])

/** What the Bot API would refuse in a text of HTML; undefined when it takes it. */
export function badHtml(text: string): string | undefined {
  const open: string[] = []
  const rest = text.replace(/<(\/?)([a-z]+)(?: href="[^"<>]*")?>/g, (_, slash: string, name: string) => {
    if (!TAGS.has(name)) open.push(`?${name}`)
    else if (slash === '') open.push(name)
    else if (open.at(-1) === name) open.pop()
    else open.push(`?${name}`)
    return ''
  })
  const odd = open.find((name) => name.startsWith('?'))
  if (odd) return `unsupported or unexpected tag "${odd.slice(1)}"`
  if (open.length > 0) return `tag "${open.at(-1)}" is not closed`
  if (/[<>]/.test(rest)) return 'unescaped < or >'
  return /&(?!(?:amp|lt|gt|quot|#\d{1,7});)/.test(rest) ? 'unescaped &' : undefined
}
