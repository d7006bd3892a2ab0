import type { HttpApp } from './http.ts'

/** Answers which methods a path takes, from the routes registered after this call. Empty: no route has this path. */
export function watchAllowedMethods(app: HttpApp): (path: string) => string[] {
  const methods = new Map<string, Set<string>>()
  let patterns: { pattern: RegExp; methods: Set<string> }[] | undefined
  app.addHook('onRoute', ({ url, method }) => {
    // A route that takes every path says nothing about this one.
    if (/^\/?\*$/.test(url)) return
    const known = methods.get(url) ?? new Set()
    for (const each of [method].flat()) known.add(each)
    methods.set(url, known)
  })
  return (path) => {
    patterns ??= [...methods].map(([url, of]) => ({ pattern: patternOf(url), methods: of }))
    const allowed = new Set<string>()
    for (const each of patterns) {
      if (!each.pattern.test(path)) continue
      for (const method of each.methods) allowed.add(method)
    }
    return [...allowed].sort()
  }
}

/** The routes' notation: `:name` is one segment, `*` the rest. */
function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.*'
    return segment.includes(':') ? '[^/]+' : segment.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/').replace(/\/$/, '')}/?$`)
}
