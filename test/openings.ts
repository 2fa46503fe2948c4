// What all kinds of programs say first to a port that is not theirs, and what ours say.

import type { PortName } from '../src/protocol/strangers.ts'

interface Opening {
  readonly name: string
  readonly bytes: Buffer
  /** what the log calls it */
  readonly what: string
  /** where it is right */
  readonly port?: PortName
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** A frame: length, then these parts. */
function framed(...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? hex(part) : part)))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

const kafkaClient = Buffer.from('rdkafka')

export const openings: readonly Opening[] = [
  {
    name: 'TLS 1.3',
    what: 'a TLS ClientHello',
    bytes: Buffer.concat([hex('16 0301 0200 01 0001fc 0303'), Buffer.alloc(60, 7)]),
  },
  {
    name: 'a hello of SSL 2.0',
    what: 'a TLS ClientHello',
    bytes: hex('80 2e 01 0301 0015 0000 0010 000004 000005 00000a'),
  },
  {
    name: 'HTTP/1.1',
    what: 'an HTTP request',
    bytes: Buffer.from('GET /metrics HTTP/1.1\r\nHost: zoo1:2181\r\n\r\n'),
  },
  {
    name: 'HTTP/2',
    what: 'an HTTP request',
    bytes: Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  },
  { name: 'SSH', what: 'SSH', bytes: Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n') },
  {
    name: 'the PROXY protocol 1',
    what: 'a PROXY protocol header',
    bytes: Buffer.from('PROXY TCP4 10.0.0.1 10.0.0.2 5000 2181\r\n'),
  },
  {
    name: 'the PROXY protocol 2',
    what: 'a PROXY protocol header',
    bytes: hex('0d0a0d0a000d0a515549540a 21 11 000c 0a000001 0a000002 1388 0885'),
  },
  { name: 'Redis', what: 'a Redis command', bytes: Buffer.from('*1\r\n$4\r\nPING\r\n') },
  { name: 'SMTP', what: 'a mail client', bytes: Buffer.from('EHLO scanner.example\r\n') },
  { name: 'AMQP', what: 'an AMQP client', bytes: Buffer.from('AMQP\0\0\t\u0001', 'latin1') },
  { name: 'PostgreSQL', what: 'a PostgreSQL client', bytes: hex('00000008 04d2162f') },
  {
    name: 'Remote Desktop',
    what: 'a Remote Desktop client',
    bytes: hex('0300 0013 0e e0 0000 0000 00 0100 0800 0b000000'),
  },
  {
    name: 'SMB',
    what: 'an SMB client',
    bytes: Buffer.concat([hex('00000045 ff534d4272'), Buffer.alloc(40)]),
  },
  {
    name: "ZooKeeper's election",
    what: 'a ZooKeeper server that looks for a leader',
    bytes: Buffer.concat([
      hex('ffffffffffff0000 0000000000000002 0000000e'),
      Buffer.from('127.0.0.1:3888'),
    ]),
  },
  {
    name: "ZooKeeper's follower",
    what: 'a ZooKeeper server that follows',
    bytes: hex('0000000b 0000000100000000 00000014 0000000000000002 00010000 0000000000000000'),
  },
  {
    name: "Kafka's ApiVersions",
    what: 'a Kafka client',
    port: 'broker',
    bytes: framed('0012 0003 00000001 0007', kafkaClient, '00 08 6c6962726b61 06 322e302e32 00'),
  },
  {
    name: "Kafka's Metadata without a client id",
    what: 'a Kafka client',
    port: 'broker',
    bytes: framed('0003 0001 00000001 ffff 00000000'),
  },
  {
    name: 'plain text',
    what: 'plain text',
    bytes: Buffer.from('is a server there?\n'),
  },
  {
    name: 'a ZooKeeper client',
    what: "a ZooKeeper client's hello",
    port: 'client',
    bytes: framed('00000000 0000000000000000 00002710 0000000000000000 00000010', Buffer.alloc(17)),
  },
  {
    name: 'our client',
    what: 'a client of a ZooWeeper server',
    port: 'client',
    bytes: framed('98 01 a6', Buffer.from('client'), 'c0 00 cd2710 00 c400 c2'),
  },
  {
    name: 'our peer',
    what: 'a server of a ZooWeeper ensemble',
    port: 'peer',
    bytes: framed('94 01 a4', Buffer.from('peer'), 'c0 02'),
  },
  {
    name: 'a client of our broker',
    what: 'a client of a broker',
    port: 'broker',
    bytes: framed('96 01 a6', Buffer.from('client'), 'c0 a4', Buffer.from('test'), 'ff 00'),
  },
  {
    name: 'our broker',
    what: 'a broker',
    port: 'broker',
    bytes: framed('96 01 a6', Buffer.from('broker'), 'c0 a4', Buffer.from('test'), '01 07'),
  },
]
