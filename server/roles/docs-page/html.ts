import { escapeHtml } from '#server/kit/html.ts'

/** Escapes, then shows `what stands between backticks` as code. */
export function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}
