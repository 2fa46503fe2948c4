// The first frames on a link to a broker. A client is welcomed at once; two brokers first prove to
// each other that they know the cluster's secret (cluster-secret.ts), before anything else is sent.
//
//   dialler    hello       [version, role, clusterId | nil, name, brokerId, brokerEpoch,
//                           challenge | nil]
//   acceptor   challenge   [challenge, proof]                    to a broker only
//   dialler    proof       [proof]
//   acceptor   welcome     [version, clusterId, brokerId]

import { ProtocolError } from '../error-codes.ts'
import {
  buffer,
  type Field,
  natural,
  noted,
  optional,
  packFields,
  refined,
  text,
  unpackFields,
  type ValuesOf,
} from '../fields.ts'
import { challengeBytes } from '../link-proof.ts'
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { type Plain, readPlains, writePlain } from '../plain.ts'
import { brokerId } from './messages.ts'

export const mqProtocolVersion = 6

type Role = 'client' | 'broker'

const roles: readonly string[] = ['client', 'broker'] satisfies readonly Role[]
const role: Field<Role> = refined(text<Role>(), 'client or broker', (given) =>
  roles.includes(given),
)

const whole = () =>
  refined(
    buffer({ copied: true }),
    `${challengeBytes} bytes`,
    (given) => given.length === challengeBytes,
  )

export const helloFields = {
  version: natural(),
  role,
  clusterId: noted(
    'nil at first, later the id from the first welcome; a broker of another cluster closes the connection',
    optional(text()),
  ),
  name: noted('name of this connection in logs', text()),
  brokerId: noted('-1 for a client', brokerId),
  brokerEpoch: noted("czxid of the broker's `/brokers/ids` node; 0 for a client", natural()),
  challenge: noted(
    'nil for a client; random bytes that the acceptor has to answer',
    optional(whole()),
  ),
}
export type MqHello = ValuesOf<typeof helloFields>

export const challengeFields = {
  challenge: noted('random bytes that the dialler has to answer', whole()),
  proof: noted('answers the challenge in the hello', whole()),
}
export type MqChallenge = ValuesOf<typeof challengeFields>

export const proofFields = {
  proof: noted('answers the challenge of the other end', whole()),
}
export type MqProof = ValuesOf<typeof proofFields>

export const welcomeFields = {
  version: natural(),
  clusterId: noted('for the client’s later hellos', text()),
  brokerId,
}
export type MqWelcome = ValuesOf<typeof welcomeFields>

export function encodeMqHello(out: MsgpackWriter, hello: MqHello): void {
  writePlain(out, packFields(helloFields, hello))
}

/** @throws ProtocolError also for another version or another role */
export function decodeMqHello(reader: MsgpackReader): MqHello {
  const plains = read(reader)
  const [version] = plains
  // The version is checked first: the other fields of another version are unknown.
  if (version !== mqProtocolVersion) {
    const found = `this broker speaks ${mqProtocolVersion}`
    throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
  }
  return unpackFields('hello', helloFields, plains)
}

export function encodeMqChallenge(out: MsgpackWriter, challenge: MqChallenge): void {
  writePlain(out, packFields(challengeFields, challenge))
}

export function decodeMqChallenge(reader: MsgpackReader): MqChallenge {
  return unpackFields('challenge', challengeFields, read(reader))
}

export function encodeMqProof(out: MsgpackWriter, proof: MqProof): void {
  writePlain(out, packFields(proofFields, proof))
}

export function decodeMqProof(reader: MsgpackReader): MqProof {
  return unpackFields('proof', proofFields, read(reader))
}

export function encodeMqWelcome(out: MsgpackWriter, welcome: MqWelcome): void {
  writePlain(out, packFields(welcomeFields, welcome))
}

export function decodeMqWelcome(reader: MsgpackReader): MqWelcome {
  return unpackFields('welcome', welcomeFields, read(reader))
}

function read(reader: MsgpackReader): readonly Plain[] {
  return readPlains(reader, reader.arrayHeader())
}
