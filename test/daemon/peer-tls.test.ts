// Servers that speak TLS to each other: the ensemble, strangers on the peer port, and the steps by
// which a running ensemble moves from plaintext to TLS.

import { once } from 'node:events'
import net from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { readConfig } from '../../src/daemon/config.ts'
import { peerLinkOptions, writeGreeting } from '../../src/daemon/ensemble/peer-port.ts'
import type { Server } from '../../src/daemon/server.ts'
import { type PeerHello, peerVersions } from '../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { Credentials } from '../../src/protocol/tls/credentials.ts'
import { TcpTransport } from '../../src/protocol/transport/tcp.ts'
import { withTls } from '../../src/protocol/transport/with-tls.ts'
import { Turn } from '../../src/turn.ts'
import { Authority, loopbackNames } from '../certificates.ts'
import { RecordingLogger } from '../recording-logger.ts'
import { realServer } from './real-server.ts'

const host = '127.0.0.1'
const directory = t.testdir()
const authority = new Authority(directory)
const server = authority.sign('server', { names: loopbackNames })
const alice = authority.sign('alice', { subject: '/O=Example/CN=alice' })

const stores = [
  `--ssl.quorum.keyStore.location=${server.pem}`,
  `--ssl.quorum.trustStore.location=${authority.certificate}`,
]

/** In the order in which an ensemble goes through them, one server after the other. */
const stages = {
  plaintext: [],
  both: [...stores, '--portUnification'],
  'TLS, and takes both': [...stores, '--portUnification', '--sslQuorum'],
  TLS: [...stores, '--sslQuorum'],
} as const
type Stage = keyof typeof stages

async function freePorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => net.createServer().listen(0, host))
  await Promise.all(listeners.map((listener) => once(listener, 'listening')))
  const ports = listeners.map((listener) => (listener.address() as net.AddressInfo).port)
  for (const listener of listeners) listener.close()
  return ports
}

interface Ensemble {
  readonly servers: readonly Server[]
  readonly loggers: readonly RecordingLogger[]
  readonly peerPorts: readonly number[]
  readonly flags: readonly string[]
}

let ensembles = 0

async function start(t: Test, ...members: readonly Stage[]): Promise<Ensemble> {
  const peerPorts = await freePorts(members.length)
  const flags = peerPorts.map((port, i) => `--server.${i + 1}=${host}:${port}:1`)
  const loggers = members.map(() => new RecordingLogger())
  const name = `ensemble${ensembles++}`
  const servers = members.map((stage, i) =>
    realServer(
      [
        `--data-dir=${join(directory, name, String(i + 1))}`,
        `--myid=${i + 1}`,
        '--client-port=0',
        `--client-port-address=${host}`,
        '--log-segment-bytes=4194304',
        '--tick-time=200',
        ...flags,
        ...stages[stage],
      ],
      loggers[i],
    ),
  )
  t.teardown(() => Promise.all(servers.map((server) => server.stop())))
  await Promise.all(servers.map((server) => server.start()))
  return { servers, loggers, peerPorts, flags }
}

async function write(t: Test, { servers }: Ensemble): Promise<void> {
  const zk = new ZkClient({ servers: servers.map(({ clientPort: port }) => ({ host, port })) })
  t.teardown(() => zk.close())
  await zk.connect()
  await zk.create('/a', 'x')
}

const pairs: readonly (readonly [Stage, Stage])[] = [
  ['plaintext', 'both'],
  ['both', 'TLS, and takes both'],
  ['TLS, and takes both', 'TLS'],
]

t.test('servers at neighbouring steps towards TLS form one ensemble', async (t) => {
  await Promise.all(
    pairs.flatMap(([one, other]) =>
      // The server with the larger id dials.
      [[one, other] as const, [other, one] as const].map(async ([first, second]) => {
        await write(t, await start(t, first, second))
        t.pass(`${first}, dialled by ${second}`)
      }),
    ),
  )
})

t.test('an ensemble speaks TLS, and refuses strangers by their certificates', async (t) => {
  const ensemble = await start(t, 'TLS', 'TLS', 'TLS')
  await write(t, ensemble)
  const { loggers, peerPorts } = ensemble
  const said = () => loggers.flatMap(({ lines }) => lines.map(({ fields }) => fields['reason']))
  const untilSaid = async (reason: RegExp): Promise<void> => {
    while (!said().some((text) => reason.test(String(text)))) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    t.pass(String(reason))
  }
  const settings = (own: string | undefined) => {
    const store = (file: string) => ({
      files: [file],
      type: undefined,
      password: undefined,
      passwordFile: undefined,
      quoted: file,
    })
    return {
      keyStore: own === undefined ? undefined : store(own),
      trustStore: store(authority.certificate),
      minProtocol: 'TLSv1.2',
      maxProtocol: 'TLSv1.3',
      ciphers: undefined,
      isReloaded: false,
    } as const
  }
  const knock = (own: string | undefined, isTls = true): void => {
    const credentials = new Credentials({ settings: settings(own), logger: new RecordingLogger() })
    const dial = isTls ? { credentials, verifiesHost: true } : undefined
    const transport = withTls(new TcpTransport(new Turn(setImmediate)), { dial })
    const address = { host, port: peerPorts[0] ?? 0 }
    const link = transport.dial(address, peerLinkOptions, {
      frame: () => undefined,
      closed: () => undefined,
    })
    t.teardown(() => link.destroy())
    const members = peerPorts.map((port, i) => ({
      id: (i + 1) as ServerId,
      address: `${host}:${port}`,
      observes: false,
    }))
    const hello: PeerHello = {
      type: 'hello',
      serverId: 3 as ServerId,
      instance: 7,
      members,
      groups: undefined,
      ensembleId: undefined,
      holdsHistory: false,
      challenge: undefined,
    }
    writeGreeting(link, hello, peerVersions.newest)
  }
  knock(server.pem, false)
  await untilSaid(/a server of a ZooWeeper ensemble in plaintext: this port speaks TLS only/)
  knock(undefined)
  await untilSaid(/Cannot serve a client: it shows no certificate/)
  knock(alice.pem)
  await untilSaid(
    /its certificate \(CN=alice,O=Example\) does not name 127\.0\.0\.1, the host of server 3/,
  )
})

t.test('mutual TLS alone makes a peer port safe to reach', async (t) => {
  const warnings = (...flags: readonly string[]) => {
    const args = ['--data-dir=/d', '--myid=1', '--server.1=zoo1:2888:3888', ...flags]
    const read = readConfig(args, {})
    if (read.type !== 'config') throw new Error(String(read.text))
    return read.config.warnings
  }
  t.match(warnings(), [/believes its callers/])
  t.strictSame(warnings(...stages.TLS), [])
  t.match(warnings(...stages.both), [/believes its callers.*sslQuorum=true, portUnification=false/])
  t.match(warnings(...stages.TLS, '--ssl.quorum.clientAuth=want'), [/believes its callers/])
})
