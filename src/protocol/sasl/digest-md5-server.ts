// The server's side of one DIGEST-MD5 exchange, as ZooKeeper's clients speak it. Pure.
//
//   client   nothing                       it has no initial response
//   server   realm, nonce, charset=utf-8, algorithm=md5-sess
//   client   username, realm, nonce, cnonce, nc=00000001, qop=auth, digest-uri, response
//   server   rspauth                       by which the client knows the server
//
// The nonce is used once, so what was overheard on one connection opens no other. MD5 keeps the
// password from a reader of the network only while it cannot be guessed: use TLS underneath.
//
// Source: RFC 2831; Java's DigestMD5Server, for the form of the challenge and the character sets.

import { createHash, timingSafeEqual } from 'node:crypto'
import { asBuffer } from '../../as-buffer.ts'
import { SaslRefusal } from './sasl-refusal.ts'

const mechanism = 'DIGEST-MD5'

/** A longer response is refused unread; RFC 2831's limit. */
const responseBytesMax = 4096

export interface DigestMd5Options {
  /** unique to this exchange, of letters and digits */
  readonly nonce: string
  readonly realm: string
  /** what clients want to reach: `service/host` */
  readonly digestUri: string
  /** @returns undefined for an unknown user */
  readonly passwordOf: (user: string) => string | undefined
}

export type DigestMd5Step =
  | { readonly type: 'challenge'; readonly token: Buffer }
  /** `token` proves the server to the client. */
  | { readonly type: 'authenticated'; readonly user: string; readonly token: Buffer }

export class DigestMd5Server {
  readonly #options: DigestMd5Options
  #phase: 'new' | 'challenged' | 'over' = 'new'

  constructor(options: DigestMd5Options) {
    this.#options = options
  }

  /** Takes the client's next message. @throws SaslRefusal, after which all further ones are refused */
  step(message: Uint8Array): DigestMd5Step {
    const phase = this.#phase
    this.#phase = 'over'
    switch (phase) {
      case 'new':
        if (message.length > 0) throw refused('it has no initial response')
        this.#phase = 'challenged'
        return { type: 'challenge', token: this.#challenge() }
      case 'challenged':
        return this.#judge(message)
      case 'over':
        throw refused('the exchange is over')
    }
  }

  #challenge(): Buffer {
    const { realm, nonce } = this.#options
    const challenge = `realm="${realm}",nonce="${nonce}",charset=utf-8,algorithm=md5-sess`
    return Buffer.from(challenge, 'latin1')
  }

  #judge(message: Uint8Array): DigestMd5Step {
    if (message.length > responseBytesMax) throw refused('the response is too long')
    const given = parseDirectives(asBuffer(message).toString('latin1'))
    const { nonce, realm, digestUri } = this.#options
    const of = (name: string): string => {
      const value = given.get(name)
      if (value === undefined) throw refused(`the response has no ${name}`)
      return value
    }
    const charset = given.get('charset')
    if (charset !== undefined && charset !== 'utf-8') throw refused('its charset is not utf-8')
    const text = (value: string): string => (charset === undefined ? value : fromUtf8(value))
    const user = text(of('username'))
    if (of('nonce') !== nonce) throw refused('its nonce is not ours')
    if (of('nc') !== '00000001') throw refused('its nonce-count is not 1')
    if ((given.get('realm') ?? '') !== realm) throw refused('it names another realm')
    const qop = given.get('qop') ?? 'auth'
    if (qop !== 'auth') throw refused('it asks for protection of the messages, which there is not')
    const uri = of('digest-uri')
    if (uri.toLowerCase() !== digestUri) throw refused('it wants to reach another service')
    const password = this.#options.passwordOf(user)
    const cnonce = of('cnonce')
    const authzid = given.get('authzid')
    const secret = md5(
      Buffer.concat([
        hashedText(user),
        colon,
        hashedText(realm),
        colon,
        hashedText(password ?? ''),
      ]),
    )
    const session = [nonce, cnonce, ...(authzid === undefined ? [] : [authzid])].join(':')
    const a1 = hex(md5(Buffer.concat([secret, colon, Buffer.from(session, 'latin1')])))
    const answer = (method: string): string => {
      const a2 = hex(md5(Buffer.from(`${method}:${uri}`, 'latin1')))
      return hex(md5(Buffer.from(`${a1}:${nonce}:00000001:${cnonce}:${qop}:${a2}`, 'latin1')))
    }
    // As much work for an unknown user as for a wrong password.
    const isRight = sameText(of('response').toLowerCase(), answer('AUTHENTICATE'))
    if (!isRight || password === undefined) throw SaslRefusal.ofCredentials(mechanism)
    return { type: 'authenticated', user, token: Buffer.from(`rspauth=${answer('')}`, 'latin1') }
  }
}

const directive = /[\s,]*([^\s,="]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s,"]*))\s*(?=,|$)/y

/** `name=value,name="quoted \" value"`, each name once. */
function parseDirectives(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  directive.lastIndex = 0
  for (let at = 0; at < text.length; at = directive.lastIndex) {
    const [, name, quoted, plain = ''] = directive.exec(text) ?? []
    if (name === undefined) throw refused('the response is malformed')
    const key = name.toLowerCase()
    if (found.has(key)) throw refused(`the response has two of ${key}`)
    found.set(key, quoted === undefined ? plain : quoted.replaceAll(/\\([\s\S])/g, '$1'))
  }
  return found
}

function fromUtf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Text that ISO 8859-1 can express is hashed in it, any other in UTF-8. */
function hashedText(text: string): Buffer {
  const isLatin = !/[^\p{ASCII}\u0080-\u00ff]/u.test(text)
  return Buffer.from(text, isLatin ? 'latin1' : 'utf8')
}

const colon = Buffer.from(':')

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest()
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex')
}

function sameText(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given, 'latin1'), Buffer.from(wanted, 'latin1')]
  return a.length === b.length && timingSafeEqual(a, b)
}

function refused(found: string): SaslRefusal {
  return SaslRefusal.ofMessage(mechanism, found)
}
