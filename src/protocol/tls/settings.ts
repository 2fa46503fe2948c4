// What a program is told about TLS, from its options: which files hold its key and the certificates
// that it trusts, and what it asks of the other side.

export const storeTypes = ['PEM', 'PKCS12', 'JKS', 'BCFKS'] as const
export type StoreType = (typeof storeTypes)[number]

/** The row of each option that names the type of a store. */
export const storeTypeRow = {
  type: 'choice',
  default: undefined,
  defaultText: 'by the ending of the file, else by its contents',
  choices: storeTypes,
  anyCase: true,
  about: 'Type of that file; JKS has to be converted.',
} as const

/** A key with its certificates, or trusted certificates. */
export interface StoreSettings {
  /** absolute; PEM may lie in several, as one file after the other */
  readonly files: readonly string[]
  /** undefined: told by the ending, or the contents */
  readonly type: StoreType | undefined
  readonly password: string | undefined
  /** holds the password; read again when the store is */
  readonly passwordFile: string | undefined
  /** 'ssl.keyStore.location=/k.pem from zoo.cfg:3', for messages */
  readonly quoted: string
}

export const tlsProtocols = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsProtocol = (typeof tlsProtocols)[number]

export interface TlsSettings {
  readonly keyStore: StoreSettings | undefined
  /** undefined: the authorities that Node knows */
  readonly trustStore: StoreSettings | undefined
  readonly minProtocol: TlsProtocol
  readonly maxProtocol: TlsProtocol
  /** in OpenSSL's form; undefined: Node's default */
  readonly ciphers: string | undefined
  /** changed files are read again */
  readonly isReloaded: boolean
}

export const clientAuths = ['none', 'want', 'need'] as const
/** Whether a client shows a certificate: no, if it has one, or it is refused without. */
export type ClientAuth = (typeof clientAuths)[number]

export interface PortTlsSettings extends TlsSettings {
  readonly clientAuth: ClientAuth
  /** a client's certificate has to name the address that it connects from */
  readonly verifiesClientHost: boolean
  /** time for the first byte, which tells TLS from plaintext */
  readonly detectionMs: number
}
