// The users of SASL DIGEST-MD5, in the file in which ZooKeeper's operators keep them: Java's
// configuration of login modules.
//
//   Server {
//     org.apache.zookeeper.server.auth.DigestLoginModule required
//     user_ann="the password of ann"
//     user_bob="the password of bob";
//   };
//
// Other sections, of clients and other programs, are passed over. Source: the grammar in Java's
// javax.security.auth.login.Configuration; ZooKeeper's DigestLoginModule and SaslServerCallbackHandler.

const digestModule = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const flags: ReadonlySet<string> = new Set(['required', 'requisite', 'sufficient', 'optional'])
const userPrefix = 'user_'

/** The file does not say what it must. */
export class JaasError extends Error {
  override readonly name = 'JaasError'
}

interface Token {
  readonly text: string
  readonly isQuoted: boolean
  readonly line: number
}

/**
 * @returns the users of the section with their passwords; undefined if there is no such section
 * @throws JaasError
 */
export function readJaasUsers(
  text: string,
  section: string,
): ReadonlyMap<string, string> | undefined {
  const reader = new TokenReader(tokensOf(text))
  let users: Map<string, string> | undefined
  while (!reader.atEnd) {
    const name = reader.word('the name of a section')
    reader.expect('{')
    const isOurs = name === section
    if (isOurs && users !== undefined) throw new JaasError(`it has two sections ${section}`)
    const own = new Map<string, string>()
    while (!reader.maybe('}')) {
      const module = reader.word('the class of a login module')
      if (isOurs && module !== digestModule) {
        throw reader.wrong(`${module} is not supported, only ${digestModule}`)
      }
      const flag = reader.word('required, requisite, sufficient or optional')
      if (!flags.has(flag.toLowerCase())) throw reader.wrong(`${flag} is no flag of a login module`)
      while (!reader.maybe(';')) {
        const option = reader.word('an option')
        reader.expect('=')
        const value = reader.value()
        if (option.startsWith(userPrefix)) own.set(option.slice(userPrefix.length), value)
      }
    }
    reader.maybe(';')
    if (isOurs) users = own
  }
  return users
}

const pattern =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"((?:[^"\\\n]|\\[^\n])*)"|([{};=])|([^\s{};="/]+(?:\/(?![/*])[^\s{};="/]*)*)/y

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let line = 1
  pattern.lastIndex = 0
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const found = pattern.exec(text)
    // Not what is there: it may be part of a password.
    if (found === null) throw new JaasError(`line ${line} is malformed`)
    const [all, quoted, sign, word] = found
    const plain = sign ?? word
    if (quoted !== undefined) tokens.push({ text: unescaped(quoted), isQuoted: true, line })
    else if (plain !== undefined) tokens.push({ text: plain, isQuoted: false, line })
    line += all.split('\n').length - 1
  }
  return tokens
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
}

class TokenReader {
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get atEnd(): boolean {
    return this.#next === this.#tokens.length
  }

  word(what: string): string {
    const token = this.#tokens[this.#next]
    if (token === undefined || signs.has(token.text)) throw this.wrong(`${what} is missing`)
    this.#next++
    return token.text
  }

  /** Quoted or not. */
  value(): string {
    const token = this.#tokens[this.#next]
    if (token === undefined || (!token.isQuoted && signs.has(token.text))) {
      throw this.wrong('the value of an option is missing')
    }
    this.#next++
    return token.text
  }

  maybe(sign: string): boolean {
    const token = this.#tokens[this.#next]
    if (token === undefined || token.isQuoted || token.text !== sign) {
      if (token === undefined && sign === '}') throw this.wrong('a section does not end')
      return false
    }
    this.#next++
    return true
  }

  expect(sign: string): void {
    if (!this.maybe(sign)) throw this.wrong(`${sign} is missing`)
  }

  wrong(found: string): JaasError {
    const { line } = this.#tokens[Math.min(this.#next, this.#tokens.length - 1)] ?? { line: 1 }
    return new JaasError(`line ${line}: ${found}`)
  }
}

const signs: ReadonlySet<string> = new Set(['{', '}', ';', '='])
