// Conversations with the session machine: its inputs, at which millisecond, and its effects.

import t from 'tap'
import type { Call } from '../../../src/client/zk/call.ts'
import type { SessionEffect, SessionInput } from '../../../src/client/zk/session-events.ts'
import type { Watcher } from '../../../src/client/zk/watch-registry.ts'
import { ZkSession } from '../../../src/client/zk/zk-session.ts'
import { limits } from '../../../src/limits.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import type { ServerId, SessionId, Stat } from '../../../src/protocol/records.ts'
import type { EventType, ReplyBody, Request, Welcome } from '../../../src/protocol/zk/messages.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'

const stat = {} as Stat
const ok: Readonly<Record<string, ReplyBody>> = {
  getData: { type: 'getData', data: null, stat },
  setData: { type: 'setData', stat },
  addWatch: { type: 'addWatch' },
  setWatches: { type: 'setWatches' },
  removeWatches: { type: 'removeWatches' },
  closeSession: { type: 'closeSession' },
  ping: { type: 'ping' },
  auth: { type: 'auth' },
}
const refused = (code: keyof typeof errorCodes): ReplyBody => ({
  type: 'error',
  code: errorCodes[code],
})

const get = (path: string, watcher?: Watcher): Call => ({
  request: { type: 'getData', path, watch: watcher !== undefined },
  watcher,
})
const set = (path: string): Call => ({
  request: { type: 'setData', path, data: null, version: -1 },
})
const addWatch = (path: string, watcher: Watcher): Call => ({
  request: { type: 'addWatch', path, mode: 'persistent' },
  watcher,
})

/** Runs inputs at their times and returns the effects as words. */
class Conversation {
  readonly session: ZkSession<Call>
  nowMs = 0

  constructor(serverCount: number, options?: { readonly readOnly: boolean }) {
    const servers = Array.from({ length: serverCount }, (_, i) => ({ host: `s${i}`, port: 1 }))
    this.session = new ZkSession({ servers, timeoutMs: 9000, random: new Random(1), ...options })
  }

  at(nowMs: number, input: SessionInput<Call>): string[] {
    this.nowMs = nowMs
    return this.session.step(input, nowMs).map(words)
  }

  tell(input: SessionInput<Call>): string[] {
    return this.at(this.nowMs, input)
  }

  call(call: Call): string[] {
    return this.tell({ type: 'called', call })
  }

  reply(xid: number, zxid: number, body: ReplyBody | undefined): string[] {
    return this.tell({ type: 'replied', xid, zxid: zxid as Zxid, body: body ?? refused('NONODE') })
  }

  notify(type: EventType, path: string, zxid: number): string[] {
    return this.tell({ type: 'notified', event: { type, path, zxid: zxid as Zxid } })
  }

  welcome(fields?: Partial<Welcome>): string[] {
    const welcome: Welcome = {
      ensembleId: 'e1',
      timeoutMs: 6000,
      sessionId: 77 as SessionId,
      password: Uint8Array.of(1, 2),
      serverId: 1 as ServerId,
      readOnly: false,
      ...fields,
    }
    return this.tell({ type: 'welcomed', welcome })
  }

  connect(): this {
    this.tell({ type: 'start' })
    this.tell({ type: 'opened' })
    this.welcome()
    return this
  }

  /** Advances the time until the machine wakes by itself. */
  wake(): string[] {
    return this.at(this.session.wakeMs(), { type: 'tick' })
  }
}

function words(effect: SessionEffect<Call>): string {
  switch (effect.type) {
    case 'dial':
      return 'dial'
    case 'hangUp':
      return 'hangUp'
    case 'greet':
      return `greet session=${effect.hello.sessionId} zxid=${effect.hello.lastZxidSeen}`
    case 'send':
      return `send ${effect.xid} ${requestWords(effect.request)}`
    case 'answer':
      return `answer ${requestWords(effect.call.request)}`
    case 'fail':
      return `fail ${requestWords(effect.call.request)} ${effect.code}`
    case 'notify':
      return `notify ${effect.watchers.length} ${effect.event.type} ${effect.event.path}`
    case 'probe':
      return 'probe'
    case 'became':
      return `became ${effect.state}`
  }
}

function requestWords(request: Request): string {
  if (request.type === 'setWatches') {
    const { relativeZxid, data, exist, child, persistent } = request
    return `setWatches since ${relativeZxid}: ${[...data, ...exist, ...child, ...persistent].length}`
  }
  return 'path' in request ? `${request.type} ${request.path}` : request.type
}

t.test(
  'a first connection greets without a session, then sends what waited, in order',
  async (t) => {
    const c = new Conversation(3)
    t.same(c.call(set('/a')), [])
    t.same(c.call(get('/b')), [])
    t.same(c.tell({ type: 'start' }), ['dial'])
    t.same(c.tell({ type: 'opened' }), ['greet session=0 zxid=0'])
    t.same(c.welcome(), ['became connected', 'send 1 setData /a', 'send 2 getData /b'])
    t.equal(c.session.sessionId, 77)
    t.equal(c.session.timeoutMs, 6000)
    t.same(c.reply(1, 10, ok['setData']), ['answer setData /a'])
  },
)

t.test(
  'a lost link fails writes in flight, repeats reads, keeps what was never sent',
  async (t) => {
    const c = new Conversation(3).connect()
    c.call(get('/1'))
    c.call(set('/2'))
    c.call(get('/3'))
    c.call({ request: { type: 'create', path: '/4', data: null, mode: 'persistent' } })
    c.call({ request: { type: 'sync', path: '/5' } })
    t.same(c.reply(1, 40, ok['getData']), ['answer getData /1'])
    t.same(c.tell({ type: 'lost' }), [
      'became suspended',
      'fail setData /2 CONNECTIONLOSS',
      'fail create /4 CONNECTIONLOSS',
      'dial',
    ])
    t.same(c.call(set('/6')), [])
    t.same(c.tell({ type: 'opened' }), ['greet session=77 zxid=40'])
    t.same(c.welcome(), [
      'became connected',
      'send 1 getData /3',
      'send 2 sync /5',
      'send 3 setData /6',
    ])
  },
)

t.test('servers that do not serve are skipped at once, then with short waits', async (t) => {
  const c = new Conversation(3).connect()
  c.call(get('/'))
  c.reply(1, 1, ok['getData'])
  t.same(c.tell({ type: 'lost' }), ['became suspended', 'dial'])
  t.same(c.tell({ type: 'lost' }), ['dial'])
  t.same(c.tell({ type: 'lost' }), [], 'all three failed: a wait')
  const waitMs = c.session.wakeMs() - c.nowMs
  t.ok(waitMs >= 10 && waitMs <= 20)
  t.same(c.wake(), ['dial'])
})

t.test('a silent server is left after 500 ms, later ones get longer', async (t) => {
  const c = new Conversation(2)
  c.tell({ type: 'start' })
  t.equal(c.session.wakeMs(), 500)
  t.same(c.wake(), ['hangUp', 'dial'])
  t.equal(c.session.wakeMs(), 1500)
  c.tell({ type: 'opened' })
  t.equal(c.session.wakeMs(), 1500, 'connecting and greeting share the time')
})

const patiences = [
  { name: 'one that was welcomed at once does not wait long', welcomeMs: 2, want: 150 },
  { name: 'one that is far away waits four times as long as before', welcomeMs: 100, want: 400 },
  { name: 'none waits longer than at first', welcomeMs: 450, want: 500 },
]
for (const { name, welcomeMs, want } of patiences) {
  t.test(`a session that comes back: ${name}`, async (t) => {
    const c = new Conversation(3)
    c.tell({ type: 'start' })
    c.tell({ type: 'opened' })
    c.nowMs = welcomeMs
    c.welcome()
    c.call(get('/a'))
    c.reply(1, 5, ok['getData'])
    c.at(3000, { type: 'lost' })
    t.equal(c.session.wakeMs(), 3000 + want)
    c.wake()
    t.equal(c.session.wakeMs() - c.nowMs, 2 * want, 'and then twice as long')
  })
}

t.test(
  'a silent server is pinged after a third of the time-out, and left after two thirds',
  async (t) => {
    const c = new Conversation(2).connect()
    t.equal(c.session.wakeMs(), 2000)
    t.same(c.wake(), ['send -2 ping'])
    t.same(c.reply(-2, 5, ok['ping']), [])
    t.same(c.at(4000, { type: 'tick' }), ['send -2 ping'])
    t.equal(c.session.wakeMs(), 6000, 'two thirds of 6000 after the last answer')
    t.same(
      c.at(5000, { type: 'notified', event: { type: 'NodeCreated', path: '/x', zxid: 6 as Zxid } }),
      [],
    )
    t.equal(c.session.wakeMs(), 6000, 'an event does not prove that the ensemble hears us')
    t.same(c.wake(), ['hangUp', 'became suspended', 'dial'])
  },
)

t.test('requests replace pings', async (t) => {
  const c = new Conversation(2).connect()
  t.same(c.at(1500, { type: 'called', call: get('/a') }), ['send 1 getData /a'])
  c.reply(1, 1, ok['getData'])
  t.equal(c.session.wakeMs(), 3500)
})

t.test('a session without any server ends by our own clock', async (t) => {
  const c = new Conversation(2).connect()
  c.at(100, { type: 'called', call: get('/a') })
  c.reply(1, 1, ok['getData'])
  c.at(1000, { type: 'called', call: get('/r') })
  c.call(set('/w'))
  t.same(c.tell({ type: 'lost' }), ['became suspended', 'fail setData /w CONNECTIONLOSS', 'dial'])
  c.call(set('/never-sent'))
  const seen: string[] = []
  while (c.session.state === 'suspended') seen.push(...c.wake())
  t.equal(c.nowMs, 6100, 'a whole time-out after the last answer')
  t.same(seen.slice(-4), [
    'hangUp',
    'became expired',
    'fail getData /r SESSIONEXPIRED',
    'fail setData /never-sent SESSIONEXPIRED',
  ])
  t.same(c.call(get('/b')), ['fail getData /b SESSIONEXPIRED'])
  t.equal(c.session.wakeMs(), Number.POSITIVE_INFINITY)
})

t.test(
  'a session counts as heard of when the request was sent, not when its answer came',
  async (t) => {
    const c = new Conversation(2).connect()
    c.at(1000, { type: 'called', call: get('/slow') })
    c.at(1500, { type: 'called', call: get('/slower') })
    c.nowMs = 4500
    c.reply(1, 1, ok['getData'])
    c.tell({ type: 'lost' })
    while (c.session.state === 'suspended') c.wake()
    t.equal(c.nowMs, 7000, 'the ensemble may have heard of us at 1000 for the last time')
  },
)

t.test('a welcome counts from its hello, a late answer not back', async (t) => {
  const c = new Conversation(2)
  c.tell({ type: 'start' })
  c.at(100, { type: 'opened' })
  c.nowMs = 400
  c.welcome()
  t.equal(c.session.wakeMs(), 2400, 'the ping is due a third after we asked last')
  c.tell({ type: 'lost' })
  while (c.session.state === 'suspended') c.wake()
  t.equal(c.nowMs, 6100)
})

t.test(
  'a server whose answers take too long is left while there is time for another',
  async (t) => {
    const c = new Conversation(2).connect()
    c.call(get('/a'))
    c.nowMs = 3500
    c.call(get('/b'))
    c.reply(1, 1, ok['getData'])
    t.equal(c.session.wakeMs(), 4000, 'two thirds after the request that was answered')
    t.same(c.wake(), ['hangUp', 'became suspended', 'dial'])
  },
)

t.test('a refused session is expired', async (t) => {
  const c = new Conversation(2).connect()
  c.tell({ type: 'lost' })
  c.tell({ type: 'opened' })
  t.same(c.welcome({ timeoutMs: 0, sessionId: 0 as SessionId }), ['hangUp', 'became expired'])
})

t.test(
  'a session that expires with requests in flight reports which may have been applied',
  async (t) => {
    const c = new Conversation(2).connect()
    c.call(set('/1'))
    c.call(set('/2'))
    c.call(get('/3'))
    t.same(c.reply(1, 3, refused('SESSIONEXPIRED')), [
      'answer setData /1',
      'hangUp',
      'became expired',
      'fail setData /2 CONNECTIONLOSS',
      'fail getData /3 SESSIONEXPIRED',
    ])
  },
)

t.test(
  'another ensemble, or an answer out of order, costs the link and not the session',
  async (t) => {
    const c = new Conversation(2).connect()
    c.tell({ type: 'lost' })
    c.tell({ type: 'opened' })
    t.same(c.welcome({ ensembleId: 'e2' }).slice(0, 1), ['hangUp'])
    t.equal(c.session.state, 'suspended')
    c.wake()
    c.tell({ type: 'opened' })
    c.welcome()
    c.call(set('/1'))
    c.call(get('/2'))
    t.same(c.reply(2, 9, ok['getData']), [
      'hangUp',
      'became suspended',
      'fail setData /1 CONNECTIONLOSS',
      'dial',
    ])
  },
)

t.test('watches are armed again with the last zxid seen, before anything else', async (t) => {
  const c = new Conversation(2).connect()
  const heard = () => undefined
  c.call(get('/a', heard))
  c.call(get('/missing', heard))
  c.call(addWatch('/p', heard))
  c.reply(1, 20, ok['getData'])
  c.reply(2, 20, refused('NONODE'))
  c.reply(3, 21, ok['addWatch'])
  t.same(c.notify('NodeDataChanged', '/p', 22), ['notify 1 NodeDataChanged /p'])
  c.call(get('/unanswered', heard))
  c.tell({ type: 'lost' })
  t.same(c.tell({ type: 'opened' }), ['greet session=77 zxid=22'])
  t.same(c.welcome(), [
    'became connected',
    'send -8 setWatches since 22: 2',
    'send 1 getData /unanswered',
  ])
  t.same(c.notify('NodeDataChanged', '/a', 0), ['notify 1 NodeDataChanged /a'])
  t.same(c.reply(-8, 30, ok['setWatches']), [])
  t.same(c.notify('NodeDataChanged', '/a', 31), [], 'one-shot')
  t.same(c.reply(1, 31, ok['getData']), ['answer getData /unanswered'])
  t.same(c.notify('NodeDataChanged', '/unanswered', 32), ['notify 1 NodeDataChanged /unanswered'])
})

t.test(
  'a link lost during catch-up does not lose the events of the remaining watches',
  async (t) => {
    const c = new Conversation(2).connect()
    const heard = () => undefined
    const long = 'x'.repeat(100_000)
    c.call(get(`/${long}1`, heard))
    c.call(get(`/${long}2`, heard))
    c.call(get(`/${long}3`, heard))
    for (let xid = 1; xid <= 3; xid++) c.reply(xid, 50, ok['getData'])
    c.tell({ type: 'lost' })
    c.tell({ type: 'opened' })
    t.same(c.welcome().slice(1), [
      'send -8 setWatches since 50: 2',
      'send -8 setWatches since 50: 1',
    ])
    c.reply(-8, 60, ok['setWatches'])
    c.tell({ type: 'lost' })
    t.same(c.tell({ type: 'opened' }), ['greet session=77 zxid=60'])
    t.same(c.welcome().slice(1), [
      'send -8 setWatches since 50: 2',
      'send -8 setWatches since 50: 1',
    ])
    c.reply(-8, 70, ok['setWatches'])
    c.reply(-8, 70, ok['setWatches'])
    c.tell({ type: 'lost' })
    c.tell({ type: 'opened' })
    t.same(c.welcome()[1], 'send -8 setWatches since 70: 2')
  },
)

t.test(
  'a server that accepts and drops us again and again is not asked without waits',
  async (t) => {
    const c = new Conversation(1).connect()
    let dials = 0
    while (c.nowMs < 1000) {
      if (c.session.state === 'connected') c.tell({ type: 'lost' })
      c.wake()
      dials++
      c.tell({ type: 'opened' })
      c.welcome()
    }
    t.ok(dials < 20, `${dials} in a second`)
  },
)

t.test('removing watches asks the server only for the last of its kind', async (t) => {
  const c = new Conversation(1).connect()
  const [one, two, stranger] = [() => undefined, () => undefined, () => undefined]
  const remove = (watcher?: Watcher): Call => ({
    request: { type: 'removeWatches', path: '/p', watcherType: 'any' },
    watcher,
  })
  c.call(addWatch('/p', one))
  c.call(addWatch('/p', two))
  c.reply(1, 1, ok['addWatch'])
  c.reply(2, 1, ok['addWatch'])
  t.same(c.call(remove(stranger)), ['fail removeWatches /p NOWATCHER'])
  t.same(c.call(remove(one)), ['answer removeWatches /p'])
  t.same(c.notify('NodeDeleted', '/p', 2), ['notify 1 NodeDeleted /p'])
  t.same(c.call(remove(two)), ['send 3 removeWatches /p'])
  t.same(c.reply(3, 2, ok['removeWatches']), ['answer removeWatches /p'])
  t.same(c.notify('NodeDeleted', '/p', 3), [])
  t.same(c.call(remove()), ['fail removeWatches /p NOWATCHER'])
})

t.test('without a link a watch is removed here: no server holds it', async (t) => {
  const c = new Conversation(2).connect()
  c.call(addWatch('/p', () => undefined))
  c.reply(1, 1, ok['addWatch'])
  c.tell({ type: 'lost' })
  t.same(c.call({ request: { type: 'removeWatches', path: '/p', watcherType: 'any' } }), [
    'answer removeWatches /p',
  ])
  c.tell({ type: 'opened' })
  t.same(c.welcome(), ['became connected'], 'it is not armed again')
})

const auth = (credential: string): Call => ({
  request: { type: 'auth', scheme: 'digest', credential: Buffer.from(credential) },
})

t.test('identities are sent again to each server, before the watches are armed', async (t) => {
  const c = new Conversation(2).connect()
  t.same(c.call(auth('ann:1')), ['send -4 auth'])
  t.same(c.call(auth('ann:1')), ['send -4 auth'])
  t.same(c.call(auth('bob:2')), ['send -4 auth'])
  c.call(get('/a', () => undefined))
  t.same(c.reply(-4, 0, ok['auth']), ['answer auth'])
  t.same(c.reply(1, 5, ok['getData']), ['answer getData /a'], 'in whatever order they come')
  c.reply(-4, 0, ok['auth'])
  c.tell({ type: 'lost' })
  c.tell({ type: 'opened' })
  t.same(
    c.welcome(),
    ['became connected', 'send -4 auth', 'send -8 setWatches since 5: 1', 'send -4 auth'],
    'what was not answered yet is sent again as well, and nothing twice',
  )
  t.same(c.reply(-4, 0, ok['auth']), [])
  t.same(c.reply(-8, 5, ok['setWatches']), [])
  t.same(c.reply(-4, 0, ok['auth']), ['answer auth'])
})

t.test('a credential that is refused ends the session, once, wherever it is refused', async (t) => {
  const c = new Conversation(1).connect()
  c.call(auth('ann:1'))
  c.reply(-4, 0, ok['auth'])
  c.call(auth('bob:2'))
  c.call(set('/a'))
  c.call(get('/a'))
  t.same(c.reply(-4, 0, refused('AUTHFAILED')), [
    'answer auth',
    'hangUp',
    'became authFailed',
    'fail setData /a CONNECTIONLOSS',
    'fail getData /a AUTHFAILED',
  ])
  t.same(c.tell({ type: 'lost' }), [])
  t.equal(c.session.wakeMs(), Number.POSITIVE_INFINITY, 'it does not connect again')
  t.same(c.call(get('/b')), ['fail getData /b AUTHFAILED'])
  t.same(c.tell({ type: 'close' }), [])
})

t.test('a credential that the next server refuses ends the session there', async (t) => {
  const c = new Conversation(1).connect()
  c.call(auth('ann:1'))
  c.reply(-4, 0, ok['auth'])
  c.tell({ type: 'lost' })
  c.wake()
  c.tell({ type: 'opened' })
  t.same(c.welcome(), ['became connected', 'send -4 auth'])
  t.same(c.reply(-4, 0, refused('AUTHFAILED')), ['hangUp', 'became authFailed'])
  t.equal(c.session.wakeMs(), Number.POSITIVE_INFINITY)
})

t.test('a server without a quorum is skipped, unless the client accepts it', async (t) => {
  const c = new Conversation(2)
  c.tell({ type: 'start' })
  c.tell({ type: 'opened' })
  t.same(c.welcome({ readOnly: true }), ['hangUp', 'dial'])
})

t.test(
  'from a read-only server a client moves to one with a quorum, and keeps its watches',
  async (t) => {
    const c = new Conversation(3, { readOnly: true })
    c.tell({ type: 'start' })
    c.tell({ type: 'opened' })
    t.same(c.welcome({ readOnly: true, sessionId: 5 as SessionId }), ['became connectedReadOnly'])
    c.call(get('/a', () => undefined))
    c.reply(1, 8, ok['getData'])
    const server = { host: 's2', port: 1 }
    const waits: number[] = []
    const untilProbe = () => {
      for (;;) {
        const effects = c.wake()
        if (effects.includes('send -2 ping')) c.reply(-2, 8, ok['ping'])
        if (effects.includes('probe') || effects.length === 0) return
      }
    }
    for (let i = 0; i < 8; i++) {
      const fromMs = c.nowMs
      untilProbe()
      waits.push(c.nowMs - fromMs)
      t.same(c.tell({ type: 'probed', server, readWrite: false }), [])
    }
    t.same(waits, [100, 100, 200, 400, 800, 1600, 3200, 5000])
    untilProbe()
    t.same(c.tell({ type: 'probed', server, readWrite: true }), [
      'hangUp',
      'became suspended',
      'dial',
    ])
    t.same(
      c.tell({ type: 'opened' }),
      ['greet session=0 zxid=8'],
      'no other server knows the session of a read-only server',
    )
    t.same(c.welcome(), ['became connected', 'send -8 setWatches since 8: 1'])
    t.equal(c.session.sessionId, 77)
    t.same(c.tell({ type: 'probed', server, readWrite: true }), [], 'a late answer')
  },
)

t.test('a session that the ensemble knows is kept through a read-only server', async (t) => {
  const c = new Conversation(2, { readOnly: true }).connect()
  c.tell({ type: 'lost' })
  t.same(c.tell({ type: 'opened' }), ['greet session=77 zxid=0'])
  t.same(c.welcome({ readOnly: true }), ['became connectedReadOnly'])
  c.tell({ type: 'lost' })
  t.same(c.wake(), ['dial'])
  t.same(c.tell({ type: 'opened' }), ['greet session=77 zxid=0'])
})

t.test('closing lets requests in flight finish', async (t) => {
  const c = new Conversation(2).connect()
  c.call(set('/1'))
  t.same(c.tell({ type: 'close' }), ['send 2 closeSession'])
  t.same(c.call(set('/2')), ['fail setData /2 SESSIONEXPIRED'])
  t.same(c.reply(1, 1, ok['setData']), ['answer setData /1'])
  t.same(c.reply(2, 2, ok['closeSession']), ['hangUp', 'became closed'])
})

t.test('closing while suspended closes the session at the next server', async (t) => {
  const c = new Conversation(2).connect()
  c.tell({ type: 'lost' })
  c.call(set('/waiting'))
  t.same(c.tell({ type: 'close' }), ['fail setData /waiting SESSIONEXPIRED'])
  c.tell({ type: 'opened' })
  t.same(c.welcome(), ['became connected', 'send 1 closeSession'])
  t.same(c.tell({ type: 'lost' }).slice(0, 1), ['became suspended'])
  c.wake()
  c.tell({ type: 'opened' })
  const gone = c.welcome({ timeoutMs: 0 })
  t.same(gone, ['hangUp', 'became closed'], 'the close had been carried out')
})

t.test('closing gives up after two seconds, and at once without a session', async (t) => {
  const c = new Conversation(2).connect()
  c.tell({ type: 'lost' })
  c.tell({ type: 'close' })
  while (c.session.state !== 'closed') c.wake()
  t.equal(c.nowMs, 2000)
  const fresh = new Conversation(2)
  fresh.tell({ type: 'start' })
  t.same(fresh.tell({ type: 'close' }), ['hangUp', 'became closed'])
})

const big = (path = '/a'): Call => ({
  request: { type: 'setData', path, data: new Uint8Array(500_000), version: -1 },
})

t.test('the requests that wait for an answer are bounded in bytes', async (t) => {
  const c = new Conversation(2)
  const most = Math.floor(limits.clientCallBytesMax / 501_110)
  for (let i = 0; i < most; i++) t.same(c.call(big()), [])
  for (let i = 0; i < 3; i++) c.call(big())
  t.same(c.call(big()), ['fail setData /a THROTTLEDOP'])
  c.connect()
  c.reply(1, 1, ok['setData'])
  t.same(c.call(big()), [], 'there is room again')
  t.match(c.call(big())[0], /^fail/)
})

t.test(
  'large requests are sent as earlier ones are answered, and small ones after them',
  async (t) => {
    const c = new Conversation(2).connect()
    t.same(c.call(big('/0')), ['send 1 setData /0'])
    t.same(c.call(big('/1')), ['send 2 setData /1'])
    t.same(c.call(big('/2')), [], 'no more is in flight at once')
    t.same(c.call(get('/3')), [], 'requests keep their order')
    t.same(c.call(big('/4')), [])
    t.same(c.reply(1, 1, ok['setData']), [
      'answer setData /0',
      'send 3 setData /2',
      'send 4 getData /3',
    ])
    t.same(c.reply(2, 2, ok['setData']), ['answer setData /1', 'send 5 setData /4'])
  },
)

t.test('a hundred large values are all answered, although they take long', async (t) => {
  const c = new Conversation(2).connect()
  for (let i = 0; i < 100; i++) c.call(big(`/${i}`))
  const answers: string[] = []
  for (let i = 1; i <= 100; i++) {
    const heard = c.at(c.nowMs + 300, {
      type: 'replied',
      xid: i,
      zxid: i as Zxid,
      body: ok['setData'] ?? refused('NONODE'),
    })
    answers.push(...heard.filter((effect) => effect.startsWith('answer')))
    t.ok(c.session.wakeMs() > c.nowMs, 'the server does not count as silent')
  }
  t.equal(answers.length, 100)
})

t.test('requests not sent yet when a link is lost wait for the next one', async (t) => {
  const c = new Conversation(2).connect()
  for (let i = 0; i < 4; i++) c.call(big(`/${i}`))
  t.same(c.tell({ type: 'lost' }), [
    'became suspended',
    'fail setData /0 CONNECTIONLOSS',
    'fail setData /1 CONNECTIONLOSS',
    'dial',
  ])
  c.tell({ type: 'opened' })
  t.same(c.welcome(), ['became connected', 'send 1 setData /2', 'send 2 setData /3'])
})

t.test('a close comes after all earlier requests, and waits for no room', async (t) => {
  const c = new Conversation(2).connect()
  for (let i = 0; i < 4; i++) c.call(big(`/${i}`))
  t.same(c.tell({ type: 'close' }), [
    'send 3 setData /2',
    'send 4 setData /3',
    'send 5 closeSession',
  ])
})
