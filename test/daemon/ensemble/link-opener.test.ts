// Links between real sockets; the clock of the links runs twenty times as fast.

import { randomBytes, randomInt } from 'node:crypto'
import net from 'node:net'
import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { LinkNotices } from '../../../src/daemon/ensemble/link-notices.ts'
import { LinkOpener } from '../../../src/daemon/ensemble/link-opener.ts'
import { PeerLinks } from '../../../src/daemon/ensemble/peer-links.ts'
import { type PeerSecret, peerKeyOf } from '../../../src/daemon/ensemble/peer-proof.ts'
import { limits } from '../../../src/limits.ts'
import { type Logger, silentLogger } from '../../../src/logger.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import {
  decodeGreeting,
  encodeGreeting,
  type Greeting,
  type PeerHello,
  type PeerVersions,
  peerVersions,
} from '../../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { realWorld } from '../../../src/real-world.ts'

const id = (number: number): ServerId => number as ServerId

const fastClock: Clock = {
  ...systemClock,
  nowMs: () => systemClock.nowMs() * 20,
  after: (delayMs, run) => systemClock.after(delayMs / 20, run),
  every: (periodMs, run) => systemClock.every(periodMs / 20, run),
}

/** Waits until a condition holds after one of many events. */
class Events {
  #waiting: (() => void)[] = []

  readonly changed = (): void => {
    for (const look of [...this.#waiting]) look()
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return
        this.#waiting = this.#waiting.filter((other) => other !== look)
        resolve()
      }
      this.#waiting.push(look)
    })
  }
}

interface Warning {
  readonly message: string
  readonly peer?: number
  readonly address?: string
  readonly reason?: string
}

interface ServerOptions {
  /** ids in its list; 1, 2 and 3 by default */
  readonly members?: readonly number[]
  /** ports that it listens on besides its own */
  readonly further?: readonly number[]
  /** the ports of others in its list, if they are not those where they listen */
  readonly elsewhere?: ReadonlyMap<number, readonly number[]>
  readonly ensembleId?: string
  readonly holdsHistory?: boolean
  readonly secret?: string
  /** its ensemble changes while it runs */
  readonly isOpen?: boolean
  /** default: true */
  readonly isRequired?: boolean
  /** of the peer protocol; those of this release by default */
  readonly versions?: PeerVersions
}

/** A server reduced to its links. */
class Server {
  readonly links: PeerLinks
  readonly opener: LinkOpener
  readonly linked = new Map<
    ServerId,
    { isMember: boolean; voters?: readonly ServerId[] | undefined }
  >()
  readonly warnings: Warning[] = []
  readonly instance = randomInt(2 ** 47)
  readonly #ports: readonly number[]
  ensembleId: string | undefined

  constructor(
    self: number,
    { ports, changed }: { ports: ReadonlyMap<number, number>; changed: () => void },
    options: ServerOptions,
  ) {
    const { members = [1, 2, 3], holdsHistory = options.ensembleId !== undefined } = options
    this.ensembleId = options.ensembleId
    this.#ports = [ports.get(self) ?? 0, ...(options.further ?? [])]
    const others = members.filter((member) => member !== self)
    const logger: Logger = {
      ...silentLogger,
      warn: (fields, message) => {
        this.warnings.push({ ...fields, message })
        changed()
      },
    }
    const notices = new LinkNotices(logger, fastClock)
    this.links = new PeerLinks({
      ensembleId: () => this.ensembleId,
      clock: fastClock,
      notices,
      onConnected: (peer, info) => {
        this.linked.set(peer, info)
        changed()
      },
      onMember: (peer) => {
        this.linked.set(peer, { isMember: true })
        changed()
      },
      onDisconnected: (peer) => {
        this.linked.delete(peer)
        changed()
      },
      onRefused: (peer) => this.opener.refused(peer),
      onMessage: () => undefined,
    })
    this.opener = new LinkOpener({
      self: id(self),
      instance: this.instance,
      release: '1.2.3',
      versions: options.versions,
      members: members.map((member) => ({
        id: id(member),
        address: options.isOpen === true ? `127.0.0.1:${ports.get(member)}` : `s${member}:2888`,
        observes: false,
      })),
      isOpen: options.isOpen ?? false,
      peers: new Map(
        others.map((peer) => {
          const listed = options.elsewhere?.get(peer) ?? [ports.get(peer) ?? 1]
          return [id(peer), listed.map((port) => ({ host: '127.0.0.1', port }))]
        }),
      ),
      membership: () => ({ ensembleId: this.ensembleId, holdsHistory }),
      secret: secretOf(options),
      transport: realWorld().transport,
      clock: fastClock,
      logger,
      notices,
      links: this.links,
    })
  }

  async start(): Promise<void> {
    await this.opener.listen(this.#ports.map((port) => ({ host: '127.0.0.1', port })))
    this.opener.dialAll()
  }

  /** Whether it logged such a warning. */
  warned(message: string, reason: RegExp): boolean {
    return this.warnings.some(
      (warning) => warning.message === message && reason.test(warning.reason ?? ''),
    )
  }

  learn(ensembleId: string): void {
    this.ensembleId = ensembleId
    this.links.membershipChanged()
  }
}

function secretOf({ secret, isRequired = true }: ServerOptions): PeerSecret | undefined {
  if (secret === undefined) return undefined
  return { key: peerKeyOf(Buffer.from(secret)), isRequired, randomBytes }
}

async function freePorts(ids: readonly number[]): Promise<Map<number, number>> {
  const servers = ids.map(() => net.createServer())
  await Promise.all(
    servers.map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done))),
  )
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))))
  return new Map(ids.map((each, i) => [each, ports[i] ?? 0]))
}

/** Runs `claim` with servers on their own ports, and stops what it started. */
function test(
  claim: string,
  run: (
    t: Test,
    world: { make: Make; events: Events; ports: Map<number, number> },
  ) => Promise<void>,
): void {
  t.test(claim, async (t) => {
    const events = new Events()
    const ports = await freePorts([1, 2, 3, 4])
    const servers: Server[] = []
    const make: Make = (self, options = {}, where = ports) => {
      const server = new Server(self, { ports: where, changed: events.changed }, options)
      servers.push(server)
      return server
    }
    try {
      await run(t, { make, events, ports })
    } finally {
      for (const server of servers) await server.opener.close()
    }
  })
}

type Make = (self: number, options?: ServerOptions, ports?: ReadonlyMap<number, number>) => Server

/** A socket on the peer port; `answer` is the first frame received, undefined if there is none. */
function knock(
  port: number,
  first: Buffer,
): { socket: net.Socket; answer: Promise<Greeting | undefined> } {
  const socket = net.connect({ host: '127.0.0.1', port })
  socket.write(first)
  let bytes = Buffer.alloc(0)
  const answer = new Promise<Greeting | undefined>((resolve) => {
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length < 4 || bytes.length < 4 + bytes.readUInt32BE(0)) return
      const end = 4 + bytes.readUInt32BE(0)
      const reader = new MsgpackReader().reset(bytes, 4, end)
      resolve(decodeGreeting(reader, peerVersions).greeting)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(undefined))
  })
  return { socket, answer }
}

function frameOf(greeting: Greeting): Buffer {
  const out = new MsgpackWriter()
  out.beginFrame()
  encodeGreeting(out, greeting, peerVersions.newest)
  out.endFrame()
  return Buffer.from(out.view())
}

const helloOf = (self: number, change: Partial<PeerHello> = {}): PeerHello => ({
  ...{ type: 'hello', serverId: id(self), instance: 1 },
  members: [1, 2, 3].map((each) => ({ id: id(each), address: 'x:1', observes: false })),
  ...{ groups: undefined, ensembleId: undefined, holdsHistory: false, challenge: undefined },
  ...change,
})

test('servers of one list and one ensemble link up, as members', async (t, { make, events }) => {
  const servers = [1, 2, 3].map((each) => make(each, { ensembleId: 'e' }))
  await Promise.all(servers.map((server) => server.start()))
  await events.until(() => servers.every(({ linked }) => linked.size === 2))
  for (const { linked, warnings } of servers) {
    t.ok([...linked.values()].every(({ isMember }) => isMember))
    t.same(warnings, [])
  }
})

test('a port does not name its ensemble to a stranger', async (t, { make, ports }) => {
  const server = make(1, { ensembleId: 'secret' })
  await server.start()
  const port = ports.get(1) ?? 0
  for (const ensembleId of [undefined, 'guess']) {
    const { socket, answer } = knock(port, frameOf(helloOf(2, { ensembleId })))
    t.match(await answer, { type: 'hello', serverId: 1, ensembleId: undefined })
    t.notMatch(JSON.stringify(await answer), /secret/)
    socket.destroy()
  }
  const other = knock(port, frameOf(helloOf(2, { ensembleId: 'guess', holdsHistory: true })))
  t.match(await other.answer, { type: 'refusal', reason: /different ensembles/ })
  t.notMatch(JSON.stringify(await other.answer), /secret/)
  const member = knock(port, frameOf(helloOf(2, { ensembleId: 'secret' })))
  t.match(await member.answer, { type: 'hello', ensembleId: 'secret' })
  member.socket.destroy()
})

test('a server that was removed is dialled where its own files have it', async (t, world) => {
  const { make, events, ports } = world
  const ensemble = { ensembleId: 'e', isOpen: true }
  const [one, two] = [
    make(1, { members: [1, 2], ...ensemble }),
    make(2, { members: [2], ...ensemble }),
  ]
  const address = { host: '127.0.0.1', port: ports.get(2) ?? 0 }
  const member = { id: id(2), address: `127.0.0.1:${address.port}`, observes: false }
  one.opener.setServers([member], new Map([[id(2), [address]]]))
  await Promise.all([one.start(), two.start()])
  // The one with the larger id dials, and no list that it has names the other.
  await events.until(() => two.linked.has(id(1)) && one.linked.has(id(2)))
  t.same(two.linked.get(id(1))?.isMember, true)
})

test('servers with one secret link up, and a knock is answered', async (t, { make, events }) => {
  const servers = [1, 2, 3].map((each) => make(each, { ensembleId: 'e', secret: 's' }))
  await Promise.all(servers.map((server) => server.start()))
  await events.until(() => servers.every(({ linked }) => linked.size === 2))
  for (const { warnings } of servers) t.same(warnings, [])
})

test('a server with a secret takes a knock, and says why it gets no link', async (t, {
  make,
  events,
  ports,
}) => {
  const one = make(1, { secret: 's' })
  const two = make(2, { secret: 's' }, new Map([...ports, [1, 1]])) // no process listens there
  for (const server of [one, two]) await server.start()
  const reason = /server 2 dials server 1 at 127\.0\.0\.1:1 and gets no link: .*ECONNREFUSED/
  await events.until(
    () => one.warned('Refused by a peer', reason) && two.warned('Refusing a peer', reason),
  )
  t.pass('both say it')
})

const mismatches: readonly (readonly [string, ServerOptions, ServerOptions, RegExp])[] = [
  [
    'another secret',
    { secret: 's' },
    { secret: 'other' },
    /server [13] and server [13] have differ/,
  ],
  ['no secret here', {}, { secret: 's' }, /server 1 does not prove itself, and server 3 has a/],
  ['no secret there', { secret: 's' }, {}, /server 3 does not prove itself, and server 1 has a/],
  [
    'another secret where it is not required',
    { secret: 's', isRequired: false },
    { secret: 'other', isRequired: false },
    /server [13] and server [13] have different secrets/,
  ],
]
for (const [what, ofOne, ofThree, reason] of mismatches) {
  test(`servers refuse each other, and both say why: ${what}`, async (t, { make, events }) => {
    const [one, three] = [make(1, ofOne), make(3, ofThree)]
    for (const server of [one, three]) await server.start()
    const says = (server: Server) =>
      server.warned('Refused by a peer', reason) || server.warned('Refusing a peer', reason)
    await events.until(() => says(one) && says(three))
    // One without a secret believes the other until that refuses.
    if (ofOne.secret !== undefined) t.equal(one.linked.size, 0)
    if (ofThree.secret !== undefined) t.equal(three.linked.size, 0)
  })
}

test('a secret that is not required can be given to one server after the other', async (t, {
  make,
  events,
}) => {
  const [one, two] = [make(1, { secret: 's', isRequired: false }), make(2)]
  const three = make(3, { secret: 's', isRequired: false })
  const servers = [one, two, three]
  for (const server of servers) await server.start()
  await events.until(() => servers.every(({ linked }) => linked.size === 2))
  for (const { warnings } of servers) t.same(warnings, [])
})

test('a stranger learns nothing from a server with a secret', async (t, {
  make,
  events,
  ports,
}) => {
  const server = make(1, { ensembleId: 'e', secret: 's' })
  await server.start()
  const port = ports.get(1) ?? 0
  const { answer } = knock(port, frameOf(helloOf(2, { members: [], ensembleId: 'e' })))
  t.match(await answer, { type: 'refusal', reason: /does not prove itself/ })
  const challenge = randomBytes(32)
  const guess = frameOf({ type: 'proof', proof: randomBytes(32) })
  const second = knock(port, Buffer.concat([frameOf(helloOf(2, { challenge })), guess]))
  t.match(await second.answer, { type: 'challenge', serverId: 1 })
  await events.until(() => server.warned('Refusing a peer', /different secrets/))
  const replayed = knock(port, guess)
  t.equal(await replayed.answer, undefined)
  await events.until(() => server.warned('Closed a peer link', /Cannot take a proof/))
  t.equal(server.linked.size, 0)
})

test('a stranger that sends no hello gets no answer, and no memory', async (t, {
  make,
  events,
  ports,
}) => {
  const server = make(1, { ensembleId: 'e' })
  await server.start()
  const large = Buffer.alloc(4)
  large.writeUInt32BE(limits.peerHelloBytesMax + 1)
  t.equal(await knock(ports.get(1) ?? 0, large).answer, undefined)
  t.equal(await knock(ports.get(1) ?? 0, Buffer.from('GET / HTTP/1.1\r\n\r\n')).answer, undefined)
  await events.until(() => server.warned('Closed a peer link', /an HTTP request/))
  t.ok(server.warned('Closed a peer link', /first frame of 131073 bytes/))
})

test('a server of another release is refused, and both sides learn the versions', async (t, {
  make,
  events,
  ports,
}) => {
  const server = make(1, { ensembleId: 'e' })
  await server.start()
  const { oldest, newest } = peerVersions
  const older = frameOf(helloOf(2))
  older[5] = oldest - 1 // behind the length, and the header of the array
  const { answer } = knock(ports.get(1) ?? 0, older)
  const reason = `Cannot talk peer protocol version ${oldest - 1}: this server speaks ${oldest} to ${newest}`
  t.same(await answer, { type: 'refusal', reason }, 'which an older server cannot read either')
  await events.until(() => server.warned('Refusing a peer', new RegExp(reason)))
})

for (const secret of [undefined, 'of all']) {
  const how = secret === undefined ? '' : ', which prove themselves'
  test(`servers of this release and of the one before link up${how}`, async (t, {
    make,
    events,
  }) => {
    const { oldest } = peerVersions
    const before = { versions: { oldest, newest: oldest } }
    const common = { ensembleId: 'e', ...(secret === undefined ? {} : { secret }) }
    // The newer server dials 1, and is dialled by 3.
    const servers = [
      make(1, { ...common, ...before }),
      make(2, common),
      make(3, { ...common, ...before }),
    ]
    await Promise.all(servers.map((server) => server.start()))
    await events.until(() => servers.every(({ linked }) => linked.size === 2))
    for (const { linked } of servers) {
      t.ok([...linked.values()].every(({ isMember }) => isMember))
    }
    t.same(servers[1]?.warnings, [], 'the newer one is not troubled')
  })
}

test('what a stranger sends before its proof is short, each frame of it', async (t, {
  make,
  events,
  ports,
}) => {
  const server = make(1, { ensembleId: 'e', secret: 's' })
  await server.start()
  const large = Buffer.alloc(4)
  large.writeUInt32BE(limits.peerHelloBytesMax + 1)
  const hello = frameOf(helloOf(2, { challenge: randomBytes(32) }))
  const { answer } = knock(ports.get(1) ?? 0, Buffer.concat([hello, large]))
  t.not((await answer)?.type, 'hello')
  await events.until(() => server.warned('Closed a peer link', /frame of 131073 bytes/))
  t.equal(server.linked.size, 0)
})

test('of several addresses the first that answers is used, and all are listened on', async (t, {
  make,
  events,
  ports,
}) => {
  const [nowhere, other] = [1, ports.get(4) ?? 0]
  const one = make(1, { further: [other] })
  const two = make(2, { elsewhere: new Map([[1, [nowhere, other]]]) })
  const three = make(3)
  for (const server of [one, two, three]) await server.start()
  await events.until(() => [one, two, three].every(({ linked }) => linked.size === 2))
  t.ok(two.linked.has(id(1)), 'at its second address')
  t.ok(three.linked.has(id(1)), 'at its first one')
})

test('lists that differ by a voter work together, but two do not through a third', async (t, {
  make,
  events,
}) => {
  const [one, two, three] = [
    [1, 2],
    [1, 2, 3],
    [1, 2, 3, 4],
  ].map((members, i) => make(i + 1, { members })) as [Server, Server, Server]
  await one.start()
  await two.start()
  await events.until(() => one.linked.has(id(2)) && two.linked.has(id(1)))
  t.same(one.linked.get(id(2))?.voters, [1, 2, 3], 'Zab learns of it')
  await three.start()
  const reason = /server 1, which is linked .*{1=s1:2888, 2=s2:2888}; server 3 has {.*4=s4:2888}/
  await events.until(() => two.warned('Refusing a peer', reason))
  await events.until(() => three.warned('Refused by a peer', reason))
  t.notOk(three.linked.has(id(2)))
})

test('servers whose lists differ refuse each other, and both log it', async (t, {
  make,
  events,
}) => {
  const [one, two, four] = [make(1), make(2), make(4, { members: [1, 2, 4] })]
  for (const server of [one, two, four]) await server.start()
  const both =
    /server 1 has \{1=s1:2888, 2=s2:2888, 3=s3:2888\}; server 4 has \{1=s1:2888, 2=s2:2888, 4=s4:2888\}/
  await events.until(
    () => one.warned('Refusing a peer', both) && four.warned('Refused by a peer', both),
  )
  await events.until(() => four.warned('Refused by a peer', /server 2 has/))
  await events.until(() => one.linked.has(id(2)) && two.linked.has(id(1)))
  t.equal(four.linked.size, 0)
  t.notOk(one.linked.has(id(4)))
  const [warning] = one.warnings
  t.match(warning, { peer: 4, address: /^127\.0\.0\.1:\d+$/ })
})

test('a server with a smaller id that is not in the lists of the others learns of it too', async (t, {
  make,
  events,
}) => {
  const [one, two] = [make(1), make(2, { members: [2, 3, 4] })]
  for (const server of [one, two]) await server.start()
  await events.until(
    () =>
      one.warned('Refused by a peer', /lists of servers differ/) &&
      two.warned('Refusing a peer', /lists of servers differ/),
  )
  t.equal(one.linked.size + two.linked.size, 0)
})

test('a second process with the id of a linked one is refused until that is gone', async (t, {
  make,
  events,
}) => {
  const [one, three] = [make(1), make(3)]
  for (const server of [one, three]) await server.start()
  await events.until(() => one.linked.has(id(3)))
  const elsewhere = new Map(await freePorts([3]))
  const double = make(3, {}, new Map([...(await portsWith(one)), ...elsewhere]))
  await double.start()
  const reason =
    /two processes have the id of server 3: one process is linked from 127\.0\.0\.1:\d+, another comes from 127/
  await events.until(
    () => one.warned('Refusing a peer', reason) && double.warned('Refused by a peer', reason),
  )
  t.ok(three.linked.has(id(1)), 'the first one keeps its link')
  t.equal(double.linked.size, 0)
  await three.opener.close()
  await events.until(() => double.linked.has(id(1)))
})

async function portsWith({ opener }: Server): Promise<[number, number][]> {
  return [
    [1, opener.port ?? 0],
    [2, 1],
  ]
}

test('a process that answers no probe loses its link to the next one', async (t, {
  make,
  events,
  ports,
}) => {
  const one = make(1)
  await one.start()
  const dead = knock(ports.get(1) ?? 0, frameOf(helloOf(3)))
  await events.until(() => one.linked.has(id(3)))
  const three = make(3)
  await three.start()
  await events.until(() => three.linked.has(id(1)))
  t.notOk(one.warned('Refusing a peer', /two processes/))
  dead.socket.destroy()
})

test('a server that names the ensemble displaces a process that does not', async (t, {
  make,
  events,
  ports,
}) => {
  const one = make(1, { ensembleId: 'e' })
  await one.start()
  const elsewhere = new Map([...ports, ...(await freePorts([3]))])
  const [empty, three] = [make(3, {}, elsewhere), make(3, { ensembleId: 'e' })]
  await empty.start()
  await events.until(() => empty.linked.has(id(1)))
  await three.start()
  await events.until(() => three.linked.has(id(1)))
  const reason =
    /the one at 127\.0\.0\.1:\d+ names our ensemble, the one at 127\.0\.0\.1:\d+ does not/
  await events.until(
    () => one.warned('Refusing a peer', reason) && empty.warned('Refused by a peer', reason),
  )
  await events.until(() => empty.warned('Refused by a peer', /one process is linked from/))
  t.same(one.linked.get(id(3)), { isMember: true })
})

test('a second process with the smallest id, which no server dials, learns why', async (t, {
  make,
  events,
}) => {
  const [one, two] = [make(1), make(2)]
  for (const server of [one, two]) await server.start()
  await events.until(() => two.linked.has(id(1)))
  const elsewhere = await freePorts([1])
  const double = make(1, {}, new Map([...elsewhere, [2, two.opener.port ?? 0]]))
  await double.start()
  const reason = /two processes have the id of server 1/
  await events.until(
    () => two.warned('Refusing a peer', reason) && double.warned('Refused by a peer', reason),
  )
  t.ok(two.linked.has(id(1)))
  t.equal(double.linked.size, 0)
})

test('a server that cannot be dialled learns which server tried, where, and why it failed', async (t, {
  make,
  events,
  ports,
}) => {
  const one = make(1)
  const two = make(2, {}, new Map([...ports, [1, 1]])) // no process listens there
  for (const server of [one, two]) await server.start()
  const reason = /server 2 dials server 1 at 127\.0\.0\.1:1 and gets no link: .*ECONNREFUSED/
  await events.until(
    () => one.warned('Refused by a peer', reason) && two.warned('Refusing a peer', reason),
  )
  t.pass('both say it')
})

test('a server that learns its ensemble later becomes a member at that time', async (t, {
  make,
  events,
}) => {
  for (const late of [1, 3]) {
    const servers = [1, 3].map((self) => make(self, self === late ? {} : { ensembleId: 'e' }))
    for (const server of servers) await server.start()
    const [one, three] = servers as [Server, Server]
    await events.until(() => one.linked.has(id(3)) && three.linked.has(id(1)))
    const [newcomer, other] = late === 1 ? [one, three] : [three, one]
    t.same(other.linked.get(id(late)), { isMember: false })
    t.match(other.warnings, [{ peer: late, message: /does not name our ensemble/ }])
    newcomer.learn('e')
    await events.until(() => other.linked.get(id(late))?.isMember === true)
    for (const server of servers) await server.opener.close()
  }
})

test('a link that is refused later is closed with the reason', async (t, { make, events }) => {
  const [one, three] = [make(1), make(3)]
  for (const server of [one, three]) await server.start()
  await events.until(() => one.linked.has(id(3)) && three.linked.has(id(1)))
  one.links.refuse(id(3), 'its epoch is far beyond ours \u001b[2J')
  await events.until(() =>
    three.warned('Refused by a peer', /its epoch is far beyond ours \\x1b\[2J/),
  )
  await events.until(() => one.linked.has(id(3)) && three.linked.has(id(1)))
  t.pass('and dialled again')
})
