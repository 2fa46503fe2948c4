// The first frame each way on a link to a broker.
//
//   hello     [version, role, clusterId | nil, name, brokerId, brokerEpoch]   role client or broker
//   welcome   [version, clusterId, brokerId]

import { ProtocolError } from '../error-codes.ts'
import {
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
import type { MsgpackReader, MsgpackWriter } from '../msgpack.ts'
import { type Plain, readPlains, writePlain } from '../plain.ts'
import { brokerId } from './messages.ts'

export const mqProtocolVersion = 3

type Role = 'client' | 'broker'

const roles: readonly string[] = ['client', 'broker'] satisfies readonly Role[]
const role: Field<Role> = refined(text<Role>(), 'client or broker', (given) =>
  roles.includes(given),
)

export const helloFields = {
  version: natural(),
  role,
  clusterId: noted(
    'nil at first, afterwards the one from the first welcome; a broker of another cluster closes the connection',
    optional(text()),
  ),
  name: noted('what logs call this connection', text()),
  brokerId: noted('-1 for a client', brokerId),
  brokerEpoch: noted("czxid of the broker's `/brokers/ids` node; 0 for a client", natural()),
}
export type MqHello = ValuesOf<typeof helloFields>

export const welcomeFields = {
  version: natural(),
  clusterId: noted('to be named in later hellos', text()),
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
  // First of all: what else is in the hello of another version is not known.
  if (version !== mqProtocolVersion) {
    const found = `this broker speaks ${mqProtocolVersion}`
    throw new ProtocolError(`Cannot talk protocol version ${version}: ${found}`)
  }
  return unpackFields('hello', helloFields, plains)
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
