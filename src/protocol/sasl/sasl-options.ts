// What a server knows of the users of DIGEST-MD5: daemon/config.ts reads it, daemon/session uses it.

export interface SaslOptions {
  /** the passwords, by user */
  readonly users: ReadonlyMap<string, string>
  /** the user whom no ACL restricts */
  readonly superUser: string | undefined
  /** Whether a client that fails goes on, without the identity. */
  readonly allowsFailed: boolean
}
