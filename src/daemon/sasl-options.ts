// What a server knows of SASL: config.ts reads it, session/client-sasl.ts uses it.

export interface SaslOptions {
  /** the passwords, by user */
  readonly users: ReadonlyMap<string, string>
  /** the user whom no ACL restricts */
  readonly superUser: string | undefined
  /** Whether a client that fails goes on, without the identity. */
  readonly allowsFailed: boolean
}
