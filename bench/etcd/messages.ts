// The few messages of etcd's KV service that the loads need, in Protocol Buffers, framed as gRPC frames
// them. Field numbers as in etcd's api/etcdserverpb/rpc.proto (etcd 3.4).
//
//   +----------------+---------------------+----------------------+
//   | compressed: u8 | length: u32 BE      | message              |   compressed is 0
//   +----------------+---------------------+----------------------+

import type { Request } from '../../src/protocol/zk/messages.ts'

/** By the byte that stands before a template. */
export const methods = ['/etcdserverpb.KV/Range', '/etcdserverpb.KV/Put'] as const
type Method = (typeof methods)[number]

/**
 * The closest call of etcd to a request of ZooKeeper: a put for a create, whether or not the key is
 * there, and a serializable range for a read, which the server at hand answers alone.
 *
 * @returns the index of the method in one byte, then the frame
 */
export function encodeTemplate(request: Request): Buffer {
  switch (request.type) {
    case 'create':
    case 'setData': {
      const value = lengthDelimited(2, request.data ?? new Uint8Array(0))
      return template('/etcdserverpb.KV/Put', [key(request.path), value])
    }
    case 'getData':
    case 'exists':
      return template('/etcdserverpb.KV/Range', [key(request.path), serializable])
    case 'sync':
      return template('/etcdserverpb.KV/Range', [key(request.path)])
    default:
      throw new Error(`Could not encode a ${request.type}: etcd has no call like it`)
  }
}

const serializable = Buffer.from([(7 << 3) | 0, 1])

function template(method: Method, fields: readonly Buffer[]): Buffer {
  const message = Buffer.concat(fields)
  const head = Buffer.alloc(6)
  head[0] = methods.indexOf(method)
  head.writeUInt32BE(message.length, 2)
  return Buffer.concat([head, message])
}

function key(path: string): Buffer {
  return lengthDelimited(1, Buffer.from(path))
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes])
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
export function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
