// JSON with one entry per line, for reading: only white space changes. Numbers keep all their digits
// and keys their order and repetitions, which a value that is parsed and written again loses. Pure.

/** @returns undefined if `text` is not JSON */
export function prettyJson(text: string): string | undefined {
  try {
    JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
  let out = ''
  let depth = 0
  const tokens = text.match(tokenPattern) ?? []
  for (const [i, token] of tokens.entries()) {
    const isEmpty = isClosing(tokens[i + 1]) && isOpening(token)
    if (isOpening(token)) {
      depth += 1
      out += isEmpty ? token : `${token}\n${indent(depth)}`
    } else if (isClosing(token)) {
      depth -= 1
      out += isOpening(tokens[i - 1]) ? token : `\n${indent(depth)}${token}`
    } else if (token === ',') out += `,\n${indent(depth)}`
    else if (token === ':') out += ': '
    else out += token
  }
  return out
}

/** Strings, then numbers and words, then single characters of structure. */
const tokenPattern = /"(?:[^"\\]|\\.)*"|[^\s{}[\]:,"]+|[{}[\]:,]/gs

/** Deeper levels are indented no further: the lines would be mostly blank. */
const indentMax = 20

function indent(depth: number): string {
  return '  '.repeat(Math.min(depth, indentMax))
}

function isOpening(token: string | undefined): boolean {
  return token === '{' || token === '['
}

function isClosing(token: string | undefined): boolean {
  return token === '}' || token === ']'
}
