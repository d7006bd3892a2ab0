/** The page's looks: system fonts, both colour schemes, one column that also fits a telephone. */
export const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 6%, transparent) }
* { box-sizing: border-box }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 4rem }
h1 { line-height: 1.2; margin: 1rem 0 .5rem } h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line) } h3 { margin: 1.75rem 0 .25rem }
a { color: LinkText } code, pre { font: .875rem/1.5 ui-monospace, monospace }
code { background: var(--soft); padding: .1em .3em; border-radius: .25rem; overflow-wrap: anywhere }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; overflow-x: auto }
pre.answer { border-style: dashed } pre code { background: none; padding: 0 }
[id] { scroll-margin-top: 4.5rem }
table { border-collapse: collapse; display: block; overflow-x: auto } th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line) }
.banner { background: #8a4b00; color: #fff; margin: -1rem -1.25rem 0; padding: .6rem 1.25rem; position: sticky; top: 0; z-index: 1 }
.method { display: inline-block; min-width: 4rem; font-weight: 700 } .note { opacity: .8 }
details { border-bottom: 1px solid var(--line); padding: .5rem 0 } summary { cursor: pointer }
`
