// Mutants of everything outside src/daemon/zab (those are in ../zab/mutants.ts): the log, the tree
// store, the request processors, sessions, watches, the client. Whole servers with clients must
// catch them.

import type { Mutant } from '../mutate.ts'

const log = 'log/log.ts'
const recovery = 'log/recovery.ts'
const durableFile = 'durable-file.ts'
const driver = 'daemon/ensemble/driver.ts'
const following = 'daemon/zab/following.ts'
const snapshotTransfer = 'daemon/ensemble/snapshot-transfer.ts'
const transfer = 'daemon/zab/transfer.ts'
const succession = 'daemon/zab/succession.ts'
const peerVersions = 'daemon/ensemble/peer-versions.ts'
const logPurge = 'daemon/ensemble/log-purge.ts'
const undelivered = 'daemon/ensemble/undelivered.ts'
const storage = 'daemon/storage/storage.ts'
const treeStore = 'daemon/storage/tree-store.ts'
const txnLog = 'daemon/storage/txn-log.ts'
const commit = 'daemon/request-processor/commit.ts'
const final = 'daemon/request-processor/final.ts'
const leader = 'daemon/request-processor/leader.ts'
const outstanding = 'daemon/request-processor/outstanding-changes.ts'
const prep = 'daemon/request-processor/prep.ts'
const sessions = 'daemon/session/server-sessions.ts'
const tracker = 'daemon/session/session-tracker.ts'
const watches = 'daemon/ztree/watch-manager.ts'
const ztree = 'daemon/ztree/ztree.ts'
const call = 'client/zk/call.ts'

export const serverMutants: readonly Mutant[] = [
  // --- what a link has read is valid for one call ------------------------------------------------
  {
    name: 'proposals that wait for a cut are views of what was read',
    rule: 'what is kept of a message is a copy',
    edits: [
      { file: following, from: 'this.#held.push(kept(message))', to: 'this.#held.push(message)' },
    ],
    seeds: 300,
  },
  {
    name: 'pieces of a tree that wait for the disk are views of what was read',
    rule: 'what is kept of a message is a copy',
    edits: [
      {
        file: snapshotTransfer,
        from: 'const bytes = Buffer.from(message.bytes)',
        to: 'const { bytes } = message',
      },
    ],
    seeds: 100,
  },

  // --- two releases ------------------------------------------------------------------------------
  {
    name: 'a server of the release before is dialled in the newest version again',
    rule: 'servers of two releases work together',
    edits: [{ file: peerVersions, from: '    this.#next.set(peer, own)\n', to: '' }],
    seeds: 60,
  },

  // --- the log ---------------------------------------------------------------------------------
  {
    name: 'ack before fsync',
    rule: 'no ack leaves before the fdatasync that covers it returned',
    edits: [
      {
        file: log,
        from: 'if (!this.#isGroup) this.#nowDurable(segment.lastPosition)',
        to: 'this.#nowDurable(segment.lastPosition)',
      },
    ],
    seeds: 100,
  },
  {
    name: 'the tail is not written again after a failed fsync',
    rule: 'what is read after a failed fsync may be in memory only: written again before it counts',
    edits: [
      {
        file: recovery,
        from: '  segment.rewrite({ file, from: knownDurable ?? vouched ?? -1 })\n',
        to: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'TRUNC that does not zero',
    rule: 'old records with good checksums must not come back',
    edits: [
      {
        file: 'log/truncation.ts',
        from: 'else kept.zeroStale(next)',
        to: 'else next(null)',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a segment is written before its name is on the disk',
    rule: 'a name is on the disk after the directory is synced',
    edits: [
      {
        file: log,
        from: 'directory.rename(preparedName, segment.name)\n        directory.sync(done)',
        to: 'directory.rename(preparedName, segment.name)\n        queueMicrotask(() => done(null))',
      },
    ],
    seeds: 50,
  },
  {
    name: 'damage is cut like a torn tail',
    rule: 'where a later record vouches for what is gone, refuse to start',
    edits: [
      { file: recovery, from: 'if (witness !== undefined) {', to: 'if (witness === null) {' },
      {
        file: recovery,
        from: 'if (knownDurable !== undefined && knownDurable > good) {',
        to: 'if (knownDurable === null) {',
      },
    ],
    seeds: 200,
  },
  {
    name: 'damage in the middle of the log is skipped',
    rule: 'the log is contiguous, or refused',
    edits: [
      {
        file: 'log/succession.ts',
        from: "if (!format.isIntact(bytes, at, length)) return 'bad'",
        to: '',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'meta is not synced before it is renamed',
    rule: 'write, fsync, rename, fsync the directory',
    edits: [
      {
        file: durableFile,
        from: 'made.sync((error) => {',
        to: 'const sync = (synced: Done): void => queueMicrotask(() => synced(null))\n    sync((error) => {',
      },
    ],
    seeds: 50,
  },
  {
    name: 'meta is renamed, and the directory is not synced',
    rule: 'write, fsync, rename, fsync the directory',
    edits: [
      { file: durableFile, from: 'directory.sync(done)', to: 'queueMicrotask(() => done(null))' },
    ],
    seeds: 50,
  },

  {
    name: 'meta is trusted before it is on the disk',
    rule: 'what is read at a start may be in memory only',
    edits: [{ file: durableFile, from: '      this.#directory.syncNow()\n', to: '' }],
    seeds: 1000,
  },

  // --- the tree on the disk --------------------------------------------------------------------
  {
    name: 'log purged above the synced tree',
    rule: 'the log is dropped only below what a synced write of the tree covers',
    edits: [
      { file: treeStore, from: 'batch.write({ sync: true })', to: 'batch.write({ sync: false })' },
    ],
    seeds: 50,
  },
  {
    name: 'log purged before the tree is written',
    rule: 'the log is dropped only below what a synced write of the tree covers',
    edits: [
      {
        file: treeStore,
        from: '    await batch.write({ sync: true })\n    this.#persisted = lastApplied\n    if (!this.#closed) this.#onPersisted?.(lastApplied)\n',
        to: '    if (!this.#closed) this.#onPersisted?.(lastApplied)\n    await batch.write({ sync: true })\n    this.#persisted = lastApplied\n',
      },
    ],
    seeds: 300,
  },
  {
    name: 'log purged beyond what the tree covers',
    rule: 'the log is dropped only below what a synced write of the tree covers',
    edits: [{ file: txnLog, from: ' || dropped.lastPosition > covered) break', to: ') break' }],
    seeds: 100,
  },
  {
    name: 'the purge is in the log before it is in meta',
    rule: 'a log that begins after what meta says is refused',
    edits: [
      {
        file: logPurge,
        from: 'this.#world.saveBase(point.base, () => {',
        to: 'queueMicrotask(() => {',
      },
    ],
    seeds: 50,
  },
  {
    name: 'SNAP switched in before it is synced',
    rule: 'a snapshot is whole and synced before it is in force (ZOOKEEPER-3642)',
    edits: [{ file: storage, from: '    this.#disk.syncTree(treeDir)\n', to: '' }],
    seeds: 800,
  },
  {
    name: 'SNAP in force without meta',
    rule: 'meta is the switch',
    edits: [
      {
        file: driver,
        from: '(place) => new Promise((saved) => this.#saveMeta({ ...place, logBaseZxid: zxid }, saved)),',
        to: 'async (place) => {\n        this.#meta = { ...this.#meta, ...place, logBaseZxid: zxid }\n      },',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a tree on the disk between two transactions',
    rule: 'tree and lastApplied change in one batch',
    edits: [
      {
        file: treeStore,
        from: 'const { lastApplied } = tree\n    const meta = {',
        to: 'const lastApplied = (tree.lastApplied > 0 ? tree.lastApplied - 1 : 0) as Zxid\n    const meta = {',
      },
    ],
    seeds: 50,
  },

  // --- writes ----------------------------------------------------------------------------------
  {
    name: 'applied when proposed',
    rule: 'applied when committed, and durable here',
    edits: [
      {
        file: driver,
        from: 'this.#proposals.add(zxid, payload)\n',
        to: 'this.#proposals.add(zxid, payload)\n    this.#undelivered.deliverEarly(zxid, Buffer.from(payload), this.#deliverOne)\n',
      },
      {
        file: undelivered,
        from: '  get delivered(): Zxid {\n',
        to: '  deliverEarly(zxid: Zxid, payload: Buffer, deliver: Deliver): void {\n    if (this.#delivered !== zxid - 1) return\n    this.#delivered = zxid\n    deliver(zxid, payload)\n  }\n\n  get delivered(): Zxid {\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a delete is answered before its commit',
    rule: 'a write is answered when it is applied here',
    edits: [
      {
        file: commit,
        from: '    this.#ensemble.sendToLeader(message)\n',
        to: "    this.#ensemble.sendToLeader(message)\n    if (request.type === 'delete' && client.queue.length === 1) {\n      client.queue.shift()\n      this.#takeAsked(seq)\n      client.reply(xid, this.#tree.lastApplied, { type: 'delete' })\n    }\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'validated against the tree alone: versions',
    rule: 'validate against what is outstanding too',
    edits: [
      {
        file: prep,
        from: '    this.#outstanding.setData(path, znode, { version, dataBytes })\n',
        to: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'sequence number of what is applied',
    rule: 'I17: numbers are unique and rise',
    edits: [
      {
        file: prep,
        from: 'op.path + sequentialSuffix(parent.createCount)',
        to: 'op.path + sequentialSuffix(this.#tree.get(parentOf(op.path))?.createCount ?? 0)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'sequence number by the children there are',
    rule: 'I17: numbers are not given again after a delete',
    edits: [
      {
        file: prep,
        from: 'op.path + sequentialSuffix(parent.createCount)',
        to: 'op.path + sequentialSuffix(parent.childCount)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a failed multi leaves its first parts outstanding',
    rule: 'I18: a multi happens whole or not at all',
    edits: [
      {
        file: prep,
        from: "if (body.type === 'error') this.#outstanding.abandon()\n    else this.#outstanding.commit(zxid)",
        to: 'this.#outstanding.commit(zxid)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'half a multi',
    rule: 'I18: a multi happens whole or not at all',
    edits: [
      {
        file: prep,
        from: "        return { type: 'error', code: change, failedAt: index, partCount: ops.length }\n",
        to: "        if (index > 0) return { type: 'multi', changes }\n        return { type: 'error', code: change, failedAt: index, partCount: ops.length }\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'outstanding changes outlive the leadership',
    rule: 'everything of an old epoch is fenced before a new one starts',
    edits: [
      {
        file: leader,
        from: 'this.#proposed = this.#tree.lastApplied\n    this.#prep.reset()\n',
        to: 'this.#proposed = this.#tree.lastApplied\n',
      },
      {
        file: leader,
        from: 'this.#leading = false\n    this.#prep.reset()\n',
        to: 'this.#leading = false\n',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a reply goes to any request with its number',
    rule: 'a reply is matched by origin and number',
    edits: [
      {
        file: commit,
        from: 'const ours = txn.origin === this.#ensemble.self',
        to: 'const ours = true',
      },
    ],
    seeds: 50,
  },
  {
    name: 'the client sends writes again',
    rule: 'P2: an unknown outcome is once or not at all',
    edits: [
      {
        file: call,
        from: "    case 'setData':\n    case 'setACL':\n",
        to: "    case 'setData':\n      return true\n    case 'setACL':\n",
      },
    ],
    seeds: 50,
  },
  {
    name: 'a server passes a write on twice',
    rule: 'I16: exactly once',
    edits: [
      {
        file: commit,
        from: '    this.#ensemble.sendToLeader(message)\n',
        to: '    this.#ensemble.sendToLeader(message)\n    if (seq % 50 === 0) this.#ensemble.sendToLeader(message)\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'clients stay on a server that lost its leader',
    rule: 'P7: no request is dropped and a later one served',
    edits: [
      {
        file: sessions,
        from: '    for (const client of [...this.#clients]) client.close()\n  }\n\n  resumed',
        to: '  }\n\n  resumed',
      },
    ],
    seeds: 50,
  },

  // --- reads -----------------------------------------------------------------------------------
  {
    name: 'stale read after sync: no quorum confirms the leader',
    rule: 'P5; ZOOKEEPER-1675: a deposed leader answers no sync',
    edits: [
      {
        file: leader,
        from: "this.#ensemble.confirmLeadership(() => {\n          this.#ensemble.sendToLearner(learner, { type: 'SYNCED', seq, zxid })\n        })",
        to: "this.#ensemble.sendToLearner(learner, { type: 'SYNCED', seq, zxid })",
      },
    ],
    seeds: 1500,
  },
  {
    name: 'stale read after sync: up to what the leader applied',
    rule: 'P5: a write may be answered elsewhere before the leader has it on its disk',
    edits: [
      {
        file: leader,
        from: '        const zxid = this.#proposed\n',
        to: '        const zxid = this.#tree.lastApplied\n',
      },
    ],
    seeds: 300,
  },
  {
    name: 'stale read after sync: answered before the tree is there',
    rule: 'P5: sync is answered once the tree has reached what the leader said',
    edits: [
      {
        file: leader,
        from: "          this.#ensemble.sendToLearner(learner, { type: 'SYNCED', seq, zxid })",
        to: "          this.#ensemble.sendToLearner(learner, { type: 'SYNCED', seq, zxid: 0 as Zxid })",
      },
    ],
    seeds: 300,
  },
  {
    name: 'reads overtake own writes',
    rule: 'P7: first in, first out',
    edits: [
      {
        file: commit,
        from: 'if (client.queue.length > 0) this',
        to: 'if (client.queue.length < 0) this',
      },
    ],
    seeds: 50,
  },
  {
    name: 'reads run behind later writes',
    rule: 'a read shows what was before the writes sent after it',
    edits: [
      {
        file: commit,
        from: 'const pending = ours ? this.#take(txn.seq) : undefined\n    const result = this.#final.apply(zxid, txn)',
        to: 'const result = this.#final.apply(zxid, txn)\n    const pending = ours ? this.#take(txn.seq) : undefined',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a session continues at a server that is behind it',
    rule: 'P6: a server behind its client refuses it',
    edits: [
      {
        file: sessions,
        from: 'hello.lastZxidSeen > this.#tree.lastApplied',
        to: 'hello.lastZxidSeen < 0',
      },
      {
        file: leader,
        from: '    const zxid = this.#proposed\n    const timeoutMs',
        to: '    const zxid = 0 as Zxid\n    const timeoutMs',
      },
    ],
    seeds: 300,
  },

  // --- watches ---------------------------------------------------------------------------------
  {
    name: 'watch after data',
    rule: 'P8: the event comes before any answer that shows the change',
    edits: [
      {
        file: final,
        from: '        const fired = this.#watches.trigger(event, notifyReader)\n        if (fired > 0) this.#metrics.watchesFired[event.type].observe(fired)\n',
        to: '        queueMicrotask(() => this.#watches.trigger(event, notifyReader))\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'watch set after the read',
    rule: 'P8: a watch is registered in the moment of reading',
    edits: [
      {
        file: final,
        from: '    this.#watches.add(path, kind, client)\n',
        to: '    setImmediate(() => this.#watches.add(path, kind, client))\n',
      },
    ],
    seeds: 100,
  },
  {
    name: 'events of a transaction in the wrong order',
    rule: 'P8: events come in the order of the changes',
    edits: [
      {
        file: final,
        from: '      for (const event of events) {\n',
        to: '      for (const event of events.reverse()) {\n',
      },
    ],
    seeds: 200,
  },
  {
    name: 'setWatches misses changed data',
    rule: 'P8: over a lost connection no one-shot watch is missed',
    edits: [
      {
        file: watches,
        from: "else if (znode.mzxid > seen) fire('NodeDataChanged', path)",
        to: "else if (znode.mzxid < 0) fire('NodeDataChanged', path)",
      },
    ],
    seeds: 50,
  },
  {
    name: 'setWatches misses changed children',
    rule: 'P8: over a lost connection no one-shot watch is missed',
    edits: [
      {
        file: watches,
        from: "else if (znode.pzxid > seen) fire('NodeChildrenChanged', path)",
        to: "else if (znode.pzxid < 0) fire('NodeChildrenChanged', path)",
      },
    ],
    seeds: 100,
  },
  {
    name: 'setWatches misses what was created',
    rule: 'P8: over a lost connection no one-shot watch is missed',
    edits: [
      {
        file: watches,
        from: "if (tree.get(path) !== undefined) fire('NodeCreated', path)\n    else ",
        to: '',
      },
    ],
    seeds: 200,
  },
  {
    name: 'one-shot watches fire for ever',
    rule: 'P8: exactly once',
    edits: [
      {
        file: 'client/zk/watch-registry.ts',
        from: "if (kind !== 'persistent') paths.delete(event.path)",
        to: '',
      },
    ],
    seeds: 50,
  },

  // --- sessions --------------------------------------------------------------------------------
  {
    name: "a closed session's ephemerals are kept",
    rule: 'P9; ZOOKEEPER-2355: no ephemeral without its session',
    edits: [
      {
        file: ztree,
        from: 'for (const path of [...this.ephemeralsOf(session)].sort()) this.#delete(zxid, path, events)\n',
        to: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'an ephemeral still in flight outlives its session',
    rule: 'what a close removes is determined at its place in the order',
    edits: [
      {
        file: outstanding,
        from: 'const owned = new Set(this.#ephemerals.get(session))',
        to: 'const owned = new Set<string>()',
      },
    ],
    seeds: 100,
  },
  {
    name: 'session moved not checked',
    rule: 'a write from where the session was is never applied',
    edits: [
      {
        file: prep,
        from: 'if (this.#sessions.owner(session) !== origin) return refusal(errorCodes.SESSIONMOVED)',
        to: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'sessions are not heard from',
    rule: 'P9: none is lost while its client lives',
    edits: [
      {
        file: tracker,
        from: 'if (tracked === undefined) return false\n    this.#deadlines.update(session, nowMs + tracked.timeoutMs)\n',
        to: 'if (tracked === undefined) return false\n',
      },
    ],
    seeds: 50,
  },
  {
    name: 'a new leader expires every session',
    rule: 'a new leader gives each session a whole time-out',
    edits: [
      {
        file: tracker,
        from: 'this.#sessions.set(session, { timeoutMs, owner: undefined })\n      this.#deadlines.update(session, nowMs + timeoutMs)',
        to: 'this.#sessions.set(session, { timeoutMs, owner: undefined })\n      this.#deadlines.update(session, nowMs)',
      },
    ],
    seeds: 50,
  },
  {
    name: 'sessions are for ever',
    rule: 'P9: a silent client loses its session',
    edits: [
      {
        file: leader,
        from: 'if (!this.#leading || this.#ensemble.handingOver) return\n',
        to: 'if (!this.#leading || !this.#ensemble.handingOver) return\n',
      },
    ],
    seeds: 50,
  },
  // --- transfers of leadership -------------------------------------------------------------------
  {
    name: 'requests that were held in a transfer are lost',
    rule: 'held requests go to the next leader',
    edits: [
      {
        file: driver,
        from: 'this.#release(held.filter(({ from }) => from === this.self))',
        to: 'this.#release([])',
      },
    ],
    seeds: 60,
  },
  {
    name: 'followers send on while leadership is transferred',
    rule: 'from HELD on, a learner keeps its requests back',
    edits: [
      {
        file: driver,
        from: 'else if (!this.#hold.maybeHold(this.self, message, true)) this.#links',
        to: 'else this.#links',
      },
    ],
    seeds: 60,
  },
  {
    name: 'HELD is not waited for',
    rule: 'all that learners sent takes effect before leadership is handed over',
    edits: [
      {
        file: transfer,
        from: "if (this.#phase !== 'holding' || !learners.every((id) => this.#held.has(id))) return false",
        to: "if (this.#phase !== 'holding' || learners.every((id) => !this.#held.has(id))) return false",
      },
      {
        file: succession,
        from: 'if (!transfer.hasHeld(id)) drop(',
        to: 'if (id < 0) drop(',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a transfer that was given up goes on holding',
    rule: 'RESUME lets learners send again',
    edits: [
      {
        file: succession,
        from: "for (const id of learners.inStep) state.send(id, { type: 'RESUME' })",
        to: '',
      },
    ],
    seeds: 500,
  },
  {
    name: 'sessions have no owner after a transfer',
    rule: 'a new leader learns where sessions go on (OWNED)',
    edits: [
      {
        file: sessions,
        from: "if (sessions.length > 0) this.#ensemble.sendToLeader({ type: 'OWNED', sessions })",
        to: '',
      },
    ],
    seeds: 60,
  },

  // --- observers ---------------------------------------------------------------------------------
  {
    name: 'every server of the list votes',
    rule: 'an observer is in no quorum',
    edits: [
      {
        file: driver,
        from: 'voters: [...servers.keys()].filter((id) => !observers.has(id)),',
        to: 'voters: [...servers.keys()],',
      },
    ],
    seeds: 100,
  },

  // --- changes of the ensemble -------------------------------------------------------------------
  {
    name: 'two changes of the ensemble at once',
    rule: 'I20: a change is proposed when the last one is active',
    edits: [
      {
        file: prep,
        from: 'if (isBusy || this.#reconfiguring !== undefined) return refusal(errorCodes.RECONFIGINPROGRESS)',
        to: 'if (isBusy && this.#reconfiguring === zxid) return refusal(errorCodes.RECONFIGINPROGRESS)',
      },
      {
        file: 'daemon/zab/reconfiguration.ts',
        from: "if (configurations.isJoint || configurations.since > committed) return 'in progress'",
        to: "if (configurations.isJoint && committed < 0) return 'in progress'",
      },
      {
        file: 'daemon/zab/reconfiguration.ts',
        from: "invariant(since <= committed, 'a change of the configuration begins when the last one is done')",
        to: '',
      },
      {
        file: 'daemon/zab/configuration.ts',
        from: "invariant(before === undefined, 'a configuration is proposed when the one before is active')",
        to: '',
      },
    ],
    seeds: 600,
  },
  {
    name: 'a change of the ensemble that TRUNC does not take back',
    rule: 'I20: the last configuration in the log is in force',
    edits: [
      {
        file: 'daemon/zab/server-state.ts',
        from: 'this.configurations.truncateAfter(to)',
        to: '',
      },
    ],
    seeds: 600,
  },
  {
    name: 'a server that becomes an observer still votes',
    rule: 'an observer of the last configuration is in no quorum',
    edits: [
      {
        file: 'daemon/membership/membership.ts',
        from: '.filter((server) => !isObserver(server) && groups',
        to: '.filter((server) => server && groups',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a leader that is removed goes on',
    rule: 'it hands over before it proposes that, and steps down in any case',
    edits: [
      {
        file: prep,
        from: 'if (!voters.includes(this.#ensemble.self)) {',
        to: 'if (voters.length === 0) {',
      },
      {
        file: 'daemon/zab/reconfiguration.ts',
        from: 'return !isJoint && since <= committed && !membership.isVoter(self)',
        to: 'return isJoint && since > committed && !membership.isVoter(self)',
      },
    ],
    seeds: 100,
  },
  {
    name: 'watches of /zookeeper/config do not fire',
    rule: 'clients learn of a change of the ensemble by watches',
    edits: [
      {
        file: 'daemon/ztree/ztree.ts',
        from: "events.push({ type: 'NodeDataChanged', path: configPath, zxid, acl: znode.acl })",
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a change of the ensemble is not written to files',
    rule: 'each configuration is in the dynamic file of each of its servers',
    edits: [
      {
        file: driver,
        from: 'else if (before === undefined) changing.committed(last)',
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a write ends the wait of a change of the ensemble',
    rule: 'what a client sends after a reconfig is taken after its answer',
    edits: [
      {
        file: commit,
        from: "if (pending.op === 'reconfig' && this.#administering.delete(client)) client.proceed()",
        to: 'if (this.#administering.delete(client)) client.proceed()',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a leader that is to leave asks itself again at once',
    rule: 'a request that waits for the next leader is sent again once the transfer holds it',
    edits: [
      {
        file: commit,
        from: 'this.#clock.after(retryMs, () => {\n      const message = this.#retried.get(seq)\n      if (message !== undefined) this.#ensemble.sendToLeader(message)\n    })',
        to: 'const message = this.#retried.get(seq)\n    if (message !== undefined) this.#ensemble.sendToLeader(message)',
      },
    ],
    seeds: 400,
  },
  {
    name: 'a removed server names no address',
    rule: 'a removed server goes on as a learner, also under another leader',
    edits: [
      {
        file: 'daemon/ensemble/link-opener.ts',
        from: 'this.#named = isMember ? members : named.sort((a, b) => a.id - b.id)',
        to: 'this.#named = isMember || named.length > 0 ? members : named',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a new leader does not activate what it finds committed',
    rule: 'a proposed change is activated, by whichever leader',
    edits: [
      {
        file: 'daemon/zab/leading.ts',
        from: '    this.#reconfiguration.maybeActivate()\n  }\n\n  #sendUpToDate',
        to: '  }\n\n  #sendUpToDate',
      },
      {
        file: 'daemon/zab/leading.ts',
        from: 'this.#state.deliver(this.#broadcast.committed)\n    this.#reconfiguration.maybeActivate()',
        to: 'const { delivered } = this.#state\n    this.#state.deliver(this.#broadcast.committed)\n    if (delivered < this.#state.configurations.since) this.#reconfiguration.maybeActivate()',
      },
    ],
    seeds: 600,
  },
  {
    name: 'a restarted server goes by its files',
    rule: 'once the ensemble has changed, the files are a seed only',
    edits: [
      {
        file: driver,
        from: 'return { changeIn, configuration: changing.shown(), changes }',
        to: 'return { changeIn, changes }',
      },
    ],
    seeds: 100,
  },
]
