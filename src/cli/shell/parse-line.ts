// Splits a line of the shell into words, and words into flags and arguments. Pure.
//
// Words as in zkCli: separated by blanks, or quoted as a whole. Quotes inside a word are part of it,
// so JSON needs no quoting: set /a {"minute":1}

/** The line cannot be run; `message` has the reason. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  /** the command's usage, once the command is known */
  readonly usage: string | undefined

  constructor(message: string, usage?: string) {
    super(message)
    this.usage = usage
  }
}

/**
 * Within "double quotes" a backslash makes the next " or \ an ordinary character.
 *
 * @throws UsageError for a quote that is not closed
 */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && isBlank(line.charAt(at))) at++
    if (at === line.length) return words
    const quote = line.charAt(at)
    if (quote !== '"' && quote !== "'") {
      const start = at
      while (at < line.length && !isBlank(line.charAt(at))) at++
      words.push(line.slice(start, at))
      continue
    }
    let word = ''
    at++
    while (at < line.length && line.charAt(at) !== quote) {
      const next = line.charAt(at + 1)
      const escaped = quote === '"' && line.charAt(at) === '\\' && (next === '"' || next === '\\')
      word += escaped ? next : line.charAt(at)
      at += escaped ? 2 : 1
    }
    if (at === line.length) throw new UsageError(`Cannot read the line: a ${quote} is not closed`)
    at++
    words.push(word)
  }
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t'
}

/** By letter: a `flag` stands alone, a `value` takes the next word. */
export type OptionSpec = Readonly<Record<string, 'flag' | 'value'>>

export interface ParsedWords {
  readonly flags: ReadonlySet<string>
  readonly values: ReadonlyMap<string, string>
  /** the remaining words, in order */
  readonly rest: readonly string[]
}

/**
 * Options may appear anywhere; `--` ends them. A negative number is a word.
 *
 * @throws UsageError
 */
export function parseWords(words: readonly string[], spec: OptionSpec): ParsedWords {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const rest: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    if (word === '--') {
      rest.push(...words.slice(i + 1))
      break
    }
    if (!/^-[A-Za-z]/.test(word)) {
      rest.push(word)
      continue
    }
    const letters = [...word.slice(1)]
    const [first] = letters
    if (first !== undefined && letters.length === 1 && spec[first] === 'value') {
      const value = words[++i]
      if (value === undefined) throw new UsageError(`Missing argument for option: ${first}`)
      values.set(first, value)
      continue
    }
    for (const letter of letters) {
      if (spec[letter] !== 'flag') throw new UsageError(`Unrecognized option: ${word}`)
      flags.add(letter)
    }
  }
  return { flags, values, rest }
}
