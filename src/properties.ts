// A file of `key=value` lines in the format of Java's Properties, which zoo.cfg uses.
//
// Comments begin with `#` or `!`; a key ends at `=`, `:` or white space; a backslash at the end of a
// line joins the next; `\t \n \r \f \uXXXX` and a backslash before anything else are escapes.
// Source: java.util.Properties.load(Reader).

export interface Property {
  readonly key: string
  readonly value: string
  /** the first line of the property, from 1 */
  readonly line: number
  /** after lines that were joined */
  readonly lastLine: number
}

/** In the order of the file, repeated keys included. */
export function parseProperties(text: string): Property[] {
  const lines = text.split(/\r\n|\r|\n/)
  const properties: Property[] = []
  for (let i = 0; i < lines.length; i++) {
    let logical = (lines[i] ?? '').trimStart()
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    const line = i + 1
    while (endsInBackslash(logical)) {
      i++
      logical = logical.slice(0, -1) + (lines[i] ?? '').trimStart()
    }
    const [, key = '', value = ''] =
      /^((?:\\.|[^\\=:\s])*)\s*(?:[=:]\s*)?(.*)$/s.exec(logical) ?? []
    properties.push({
      key: unescaped(key),
      value: unescaped(value).trimEnd(),
      line,
      lastLine: i + 1,
    })
  }
  return properties
}

function endsInBackslash(line: string): boolean {
  return (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
}

const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex?: string, character = '') =>
    hex === undefined
      ? (controls[character] ?? character)
      : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
