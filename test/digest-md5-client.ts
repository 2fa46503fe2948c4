// A client's side of DIGEST-MD5 for tests, written from RFC 2831 and not from our server.

import { createHash } from 'node:crypto'

const md5 = (data: string | Buffer): Buffer => createHash('md5').update(data).digest()

export interface DigestMd5Client {
  readonly user: string
  readonly password: string
  readonly nonce: string
  readonly realm?: string
  readonly uri?: string
  readonly cnonce?: string
  readonly nc?: string
  readonly authzid?: string
  /** more directives, or others of the same names */
  readonly more?: string
}

/** The response to a challenge, and the answer by which the server proves itself. */
export function digestMd5Response(client: DigestMd5Client): { response: Buffer; rspauth: string } {
  const { user, password, nonce, realm = 'zk-sasl-md5', authzid, more = '' } = client
  const { uri = 'zookeeper/zk-sasl-md5', cnonce = 'OA6MHXh6VqTrRk', nc = '00000001' } = client
  const isLatin = [user, realm, password].every((text) => [...text].every((c) => c <= '\xff'))
  const secret = md5(Buffer.from(`${user}:${realm}:${password}`, isLatin ? 'latin1' : 'utf8'))
  const tail = authzid === undefined ? '' : `:${authzid}`
  const a1 = md5(Buffer.concat([secret, Buffer.from(`:${nonce}:${cnonce}${tail}`)])).toString('hex')
  const proof = (method: string): string => {
    const a2 = md5(`${method}:${uri}`).toString('hex')
    return md5(`${a1}:${nonce}:${nc}:${cnonce}:auth:${a2}`).toString('hex')
  }
  const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`
  const directives = [
    'charset=utf-8',
    `username=${quoted(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `nc=${nc}`,
    `cnonce=${quoted(cnonce)}`,
    `digest-uri=${quoted(uri)}`,
    `response=${proof('AUTHENTICATE')}`,
    'qop=auth',
    ...(authzid === undefined ? [] : [`authzid=${quoted(authzid)}`]),
  ]
  const response = Buffer.from(directives.join(',') + more, 'utf8')
  return { response, rspauth: `rspauth=${proof('')}` }
}

/** The nonce of a server's challenge. */
export function nonceOf(challenge: Uint8Array | null | undefined): string {
  return /nonce="([^"]*)"/.exec(Buffer.from(challenge ?? []).toString())?.[1] ?? ''
}
