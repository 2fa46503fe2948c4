// The beginning of an accepted connection on a port with TLS: the first byte tells a ClientHello from
// plaintext, then Node makes the handshake, then the client's certificate is judged. Only then does
// the link see bytes, decrypted ones; the dialects on it do not know of this.
//
//   accepted ── 0x16 ──▶ handshake ─▶ certificate ─▶ opened, with what TLS has shown
//       ├────── another byte, or silence ─▶ opened in plaintext, where the port takes it
//       └──────────────────────────────────▶ failed, with the reason
//
// Source: UnifiedServerSocket and NettyServerCnxnFactory in ZooKeeper; RFC 8446, 5.1 for the byte.

import { reverse } from 'node:dns/promises'
import type net from 'node:net'
import tls from 'node:tls'
import { oneLine, printable } from '../../printable.ts'
import { subjectOf } from '../tls/distinguished-name.ts'
import type { TlsPort } from '../tls/ends.ts'
import { TlsError } from '../tls/tls-error.ts'
import type { LinkTls } from './transport.ts'

/** The content type of a handshake record; no dialect of ours, nor of ZooKeeper or Kafka, begins so. */
const handshakeByte = 0x16

/** How many characters of a stranger's name are logged. */
const subjectShown = 200

/** The link that waits for its socket. */
export interface Opening {
  /** @param first bytes that were read already */
  opened(socket: net.Socket, tls: LinkTls | undefined, first?: Buffer): void
  /**
   * It is not to be served. The socket closes by itself: to destroy it from here, below a handshake
   * that is just ending, would crash Node.
   */
  failed(reason: Error): void
  /** Plaintext on a port that takes none. @param first its first bytes */
  refusedPlaintext(first: Buffer): void
}

export class TlsAcceptor {
  readonly #port: TlsPort
  readonly #server: tls.Server
  /** by the client's address and port: Node hands back another socket than it was given */
  readonly #handshakes = new Map<string, Opening>()
  readonly #stopListening: () => void

  constructor(port: TlsPort, handshakeMs: number) {
    this.#port = port
    const { credentials, clientAuth } = port
    const options: tls.TlsOptions = {
      requestCert: clientAuth !== 'none',
      // Judged below, so that the reason reaches the log.
      rejectUnauthorized: false,
      handshakeTimeout: handshakeMs,
    }
    this.#server = tls.createServer(Object.assign(options, credentials.options))
    this.#stopListening = credentials.onChange(() => {
      this.#server.setSecureContext(credentials.options)
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
  }

  /** Accepts nothing more. */
  close(): void {
    this.#stopListening()
  }

  open(socket: net.Socket, opening: Opening): void {
    const key = keyOf(socket)
    const cancel = this.#detect(socket, {
      tls: (first) => {
        this.#handshakes.set(key, this.#counted(opening))
        this.#handshake(socket, first)
      },
      plaintext: (first) => {
        if (this.#port.takesPlaintext) return opening.opened(socket, undefined, first)
        opening.refusedPlaintext(first)
      },
    })
    socket.once('close', () => {
      cancel()
      const unfinished = this.#handshakes.get(key)
      this.#handshakes.delete(key)
      unfinished?.failed(failedHandshake('the client hung up'))
    })
  }

  /** A certificate that is refused is a handshake that failed. */
  #counted(opening: Opening): Opening {
    const { onHandshake } = this.#port
    if (onHandshake === undefined) return opening
    onHandshake('begun')
    return {
      opened: (...parts) => {
        onHandshake('done')
        opening.opened(...parts)
      },
      failed: (reason) => {
        onHandshake('failed')
        opening.failed(reason)
      },
      refusedPlaintext: (first) => opening.refusedPlaintext(first),
    }
  }

  /** @returns a function that ends the wait */
  #detect(
    socket: net.Socket,
    found: { tls(first: Buffer): void; plaintext(first: Buffer): void },
  ): () => void {
    const end = (): void => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('end', onEnd)
    }
    const onData = (first: Buffer): void => {
      end()
      if (first[0] === handshakeByte) found.tls(first)
      else found.plaintext(first)
    }
    const nothing = Buffer.alloc(0)
    const onEnd = (): void => {
      end()
      found.plaintext(nothing)
    }
    // As ZooKeeper: a client that waits for the server to speak first is one of plaintext.
    const timer = setTimeout(onEnd, this.#port.detectionMs)
    socket.on('data', onData)
    socket.on('end', onEnd)
    return end
  }

  #handshake(socket: net.Socket, first: Buffer): void {
    // Node's TLS takes over the socket's handle, and reads what is put back here.
    socket.pause()
    socket.unshift(first)
    // A client that ends its side before the handshake is done is gone.
    socket.allowHalfOpen = false
    this.#server.emit('connection', socket)
  }

  #failed(error: Error, socket: tls.TLSSocket): void {
    const opening = this.#take(socket)
    socket.destroy()
    const { code, reason } = error as Error & { code?: string; reason?: string }
    const found = code === 'ECONNRESET' ? 'the client hung up' : (reason ?? error.message)
    opening?.failed(failedHandshake(found, adviceFor(code), error))
  }

  #secured(socket: tls.TLSSocket): void {
    const opening = this.#take(socket)
    if (opening === undefined) {
      socket.destroy()
      return
    }
    socket.allowHalfOpen = true
    try {
      this.#judge(socket, opening)
    } catch (cause) {
      // A certificate is bytes from a stranger.
      const what = 'unreadable certificate'
      opening.failed(new TlsError(what, ['Cannot serve a client', what], { cause }))
      socket.destroy()
    }
  }

  #judge(socket: tls.TLSSocket, opening: Opening): void {
    const refuse = (what: string, attempt: string, found: string): void => {
      opening.failed(new TlsError(what, [attempt, found]))
      socket.destroy()
    }
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) {
      if (this.#port.clientAuth === 'need') {
        return refuse('no certificate', 'Cannot serve a client', 'it shows no certificate')
      }
      return opening.opened(socket, linkTls(socket, undefined))
    }
    const subject = subjectOf(certificate)
    const shown = oneLine(printable(subject.slice(0, subjectShown)))
    const cannotTrust = `Cannot trust the certificate of ${shown}`
    if (!socket.authorized) {
      const found = `${socket.authorizationError}`
      return refuse(`untrusted certificate: ${found}`, cannotTrust, found)
    }
    const proven = linkTls(socket, {
      subject,
      names: (host) => tls.checkServerIdentity(host, certificate.toLegacyObject()) === undefined,
    })
    if (!this.#port.verifiesClientHost) return opening.opened(socket, proven)
    const address = socket.remoteAddress ?? ''
    isOfAddress(proven, address).then(
      (isRight) => {
        if (isRight) return opening.opened(socket, proven)
        refuse('certificate of another host', cannotTrust, `it does not name ${address}`)
      },
      (error: Error) => refuse('host names', cannotTrust, error.message),
    )
  }

  #take(socket: tls.TLSSocket): Opening | undefined {
    const key = keyOf(socket)
    const opening = this.#handshakes.get(key)
    this.#handshakes.delete(key)
    return opening
  }
}

function failedHandshake(found: string, advice = '', cause?: Error): TlsError {
  const attempt = 'Cannot finish a TLS handshake'
  return new TlsError(`TLS: ${found}`, [attempt, `${found}${advice}`], cause && { cause })
}

function keyOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function linkTls(socket: tls.TLSSocket, certificate: LinkTls['certificate']): LinkTls {
  const protocol = socket.getProtocol() ?? ''
  return { protocol, cipher: socket.getCipher().standardName, certificate }
}

/** By the address itself, or by a name that it has. */
async function isOfAddress({ certificate }: LinkTls, address: string): Promise<boolean> {
  if (certificate === undefined) return false
  const plain = address.replace(/^::ffff:/i, '')
  if (certificate.names(plain)) return true
  const names = await reverse(plain).catch(() => [])
  return names.some((name) => certificate.names(name))
}

function adviceFor(code: string | undefined): string {
  switch (code) {
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
      return '; the client does not trust the certificate of this server'
    case 'ERR_SSL_NO_SHARED_CIPHER':
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return '; the client offers no protocol or cipher that is enabled here'
  }
  return ''
}
