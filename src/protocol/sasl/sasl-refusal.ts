// What a client sent does not authenticate it. The client is told the message, so the message does
// not say whether it was the name or the password.

export class SaslRefusal extends Error {
  override readonly name = 'SaslRefusal'

  static ofCredentials(mechanism: string): SaslRefusal {
    return new SaslRefusal(`Cannot authenticate by ${mechanism}: name or password is wrong`)
  }

  static ofMessage(mechanism: string, found: string): SaslRefusal {
    return new SaslRefusal(`Cannot authenticate by ${mechanism}: ${found}`)
  }
}
