// The test of the tests: our own rules, broken one at a time. Each mutant edits a copy of the
// sources; the simulator must catch it within `seeds` runs. Shipped code does not depend on
// mutants. A quoted text that does not occur exactly once is an error, so the mutant moves with the
// code.
//
// Not here, because they do no harm: counting an ack of a connection that ended (in one epoch
// a log only grows, so the sender still has it; a new epoch counts anew), a follower that assumes
// that a DIFF begins where its log ends (the leader got that from the follower, and a gap is
// refused anyhow), and an epoch that is above the leader's own promise alone (followers with a later
// one refuse it). A stranger's vote, or its claim of a newer history, costs elections
// while it is present, but breaks no promise; test/daemon/zab/stranger.test.ts covers them.

import type { Mutant } from '../mutate.ts'

const leading = 'daemon/zab/leading.ts'
const discovery = 'daemon/zab/discovery.ts'
const synchronization = 'daemon/zab/synchronization.ts'
const observerFeed = 'daemon/zab/observer-feed.ts'
const reconfiguration = 'daemon/zab/reconfiguration.ts'
const succession = 'daemon/zab/succession.ts'
const following = 'daemon/zab/following.ts'
const serverState = 'daemon/zab/server-state.ts'

/** Mutants of the Zab core; the ensemble of cores alone is the fastest to catch them. */
export const zabMutants: readonly Mutant[] = [
  {
    name: 'NEWEPOCH before the own promise',
    rule: 'the leader persists acceptedEpoch, then sends NEWEPOCH',
    edits: [
      {
        file: leading,
        from: 'return this.#epoch > 0 && this.#state.saved.acceptedEpoch >= this.#epoch',
        to: 'return this.#epoch > 0',
      },
    ],
    seeds: 100,
  },
  {
    name: 'ACKEPOCH before the promise is saved',
    rule: 'persist, then ACKEPOCH',
    edits: [
      {
        file: following,
        from: "this.#phase !== 'promising' || saved.acceptedEpoch < this.#epoch",
        to: "this.#phase !== 'promising'",
      },
    ],
    seeds: 100,
  },
  {
    name: 'promise counted twice',
    rule: 'an accepted epoch is not promised to another leader as well',
    edits: [
      {
        file: following,
        from: 'this.#promiseCounts = epoch > acceptedEpoch ||',
        to: 'this.#promiseCounts = epoch >= acceptedEpoch ||',
      },
    ],
    seeds: 1500,
  },
  {
    name: 'a leader of an epoch that is over',
    rule: 'a later promise deposes; both ends enforce it',
    edits: [
      { file: following, from: 'if (epoch < acceptedEpoch) return', to: 'if (epoch < 0) return' },
      {
        file: leading,
        from: 'if (counts && acceptedEpoch > this.#epoch) {',
        to: 'if (acceptedEpoch < 0) {',
      },
    ],
    seeds: 500,
  },
  {
    name: 'NEWEPOCH of an epoch that is one behind',
    rule: 'a follower does not rely on its leader to respect its promise',
    edits: [
      {
        file: following,
        from: 'if (epoch < acceptedEpoch) return',
        to: 'if (epoch < acceptedEpoch - 1) return',
      },
    ],
    seeds: 200,
  },
  {
    name: 'the epoch of a stranger',
    rule: 'messages of a peer count once it has named the ensemble',
    edits: [
      {
        file: discovery,
        from: 'return initialised && membership.isVoter(from) && this.#state.isMember(from)',
        to: 'return initialised && membership.isVoter(from)',
      },
      {
        file: 'daemon/zab/epoch-bound.ts',
        from: 'if (skipped > this.#allowance) return false',
        to: '',
      },
    ],
    seeds: 200,
  },
  {
    name: 'an epoch from far away is believed',
    rule: 'epoch-bound.ts: one lie does not use up the epochs',
    edits: [
      {
        file: 'daemon/zab/epoch-bound.ts',
        from: 'if (skipped > this.#allowance) return false',
        to: '',
      },
    ],
    seeds: 200,
  },
  {
    name: 'epoch without a quorum of promises',
    rule: 'a quorum of ACKEPOCH',
    edits: [
      {
        file: discovery,
        from: 'quorum.has((voter) => promised(voter) && this.counts(voter))',
        to: 'true',
      },
    ],
    seeds: 100,
  },
  {
    name: 'leader stays though a learner has a newer history',
    rule: 'the leader steps down',
    edits: [
      {
        file: leading,
        from: 'if (newer && this.#discovery.counts(from)) {',
        to: 'if (newer && !newer) {',
      },
      { file: leading, from: 'if (newer)\n', to: 'if (newer && !newer)\n' },
    ],
    seeds: 200,
  },
  {
    name: 'NEWLEADER before the own log is on the disk',
    rule: 'the own log is the initial history',
    edits: [
      {
        file: leading,
        from: 'if (state.rewriting || state.durable < state.history.last) return',
        to: 'if (state.rewriting) return',
      },
    ],
    seeds: 200,
  },
  {
    name: 'sync range from lastCommitted',
    rule: 'the whole log of the leader, committed or not (ZOOKEEPER-3023)',
    edits: [
      {
        file: synchronization,
        from: 'upTo: history.last })',
        to: 'upTo: state.delivered })',
      },
      {
        file: synchronization,
        from: 'if (after < history.last)',
        to: 'if (after < state.delivered)',
      },
    ],
    seeds: 200,
  },
  {
    name: 'TRUNC to lastCommitted',
    rule: 'lastCommitted never chooses the mode',
    edits: [
      {
        file: synchronization,
        from: 'const sync = decideSync(from, history)',
        to: `const cut = state.delivered
  const sync =
    from > cut && history.contains(cut)
      ? ({ type: 'TRUNC', to: cut } as const)
      : decideSync(from, history)`,
      },
    ],
    seeds: 100,
  },
  {
    name: 'forgotten TRUNC',
    rule: 'what the leader does not have is cut (ZOOKEEPER-1154, 3701)',
    edits: [{ file: following, from: 'this.#state.truncateAfter(to)', to: '' }],
    seeds: 100,
  },
  {
    name: 'proposals only to the synced, holes not noticed',
    rule: 'from the sync point on every proposal reaches the learner (ZOOKEEPER-4925)',
    edits: [
      {
        file: leading,
        from: 'if (!learner.takesProposals) continue',
        to: "if (learner.phase.type !== 'synced') continue",
      },
      {
        file: following,
        from: 'if (logs && history.accepts(entries))',
        to: 'if (logs && entries.first > history.last)',
      },
      {
        file: 'daemon/zab/history.ts',
        from: "invariant(this.accepts(entries), 'a history has no gaps')",
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'ACKNEWLEADER before the epoch is saved',
    rule: 'following.ts: (c) epoch saved, before (d) ACKNEWLEADER',
    edits: [
      {
        file: following,
        from: 'if (state.saved.currentEpoch < this.#epoch) return',
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'ACKNEWLEADER before the log is on the disk',
    rule: 'following.ts: (b) log durable, before (d) ACKNEWLEADER (ZOOKEEPER-3911, 4646)',
    edits: [
      {
        file: following,
        from: "this.#phase !== 'accepting' || state.durable < this.#syncPoint",
        to: "this.#phase !== 'accepting'",
      },
    ],
    seeds: 100,
  },
  {
    name: 'epoch saved before the log',
    rule: 'following.ts: (b) log durable, before (c) epoch saved (ZOOKEEPER-4643)',
    edits: [
      {
        file: following,
        from: "this.#phase !== 'accepting' || state.durable < this.#syncPoint",
        to: "this.#phase !== 'accepting'",
      },
      {
        file: following,
        from: 'if (state.saved.currentEpoch < this.#epoch) return',
        to: 'if (state.saved.currentEpoch < this.#epoch || state.durable < this.#syncPoint) return',
      },
    ],
    seeds: 100,
  },
  {
    name: 'applied at NEWLEADER',
    rule: 'what is not committed is logged and kept pending (ZOOKEEPER-1549, 2832)',
    edits: [
      {
        file: following,
        from: 'this.#acked = this.#syncPoint\n',
        to: 'this.#acked = this.#syncPoint\n    state.deliver(this.#syncPoint)\n',
      },
    ],
    seeds: 100,
  },
  {
    name: 'UPTODATE commits all that was sent',
    rule: "UPTODATE carries the leader's lastCommitted",
    edits: [
      {
        file: leading,
        from: "this.#state.send(id, { type: 'UPTODATE', committed: upTo })",
        to: "this.#state.send(id, { type: 'UPTODATE', committed: learner.sentUpTo })",
      },
    ],
    seeds: 800,
  },
  {
    name: 'established without acks',
    rule: 'ACK(e, 0) from a quorum',
    edits: [
      {
        file: leading,
        from: 'if (this.#broadcast.settled) this.#establish()',
        to: 'this.#establish()',
      },
    ],
    seeds: 100,
  },
  {
    name: 'ack before fsync',
    rule: 'no ack before the fdatasync that covers it',
    edits: [
      {
        file: following,
        from: 'const { durable } = this.#state\n',
        to: 'const durable = this.#state.history.last\n',
      },
    ],
    seeds: 100,
  },
  {
    name: 'own ack before own fsync',
    rule: 'the leader counts its own ack after its own fsync',
    edits: [
      {
        file: leading,
        from: 'const { durable, self } = this.#state\n',
        to: 'const { self } = this.#state\n    const durable = this.#state.history.last\n',
      },
    ],
    seeds: 200,
  },
  {
    name: 'commit without a quorum',
    rule: 'a majority, not half',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'if (isMajority(acked, weight)) return ack.zxid',
        to: 'if (isMajority(acked + 1, weight)) return ack.zxid',
      },
    ],
    seeds: 100,
  },
  {
    name: 'an ack counted twice',
    rule: 'one voter, one ack',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'zxid: reached(ballot.voter) ?? zxidZero',
        to: 'zxid: reached(ballot.voter) ?? reached((ballots[0] as Ballot).voter) ?? zxidZero',
      },
    ],
    seeds: 200,
  },
  {
    name: 'delivery before the own disk has it',
    rule: 'committed and durable here',
    edits: [
      {
        file: serverState,
        from: 'const upTo = committed < this.#durable ? committed : this.#durable',
        to: 'const upTo = committed < this.history.last ? committed : this.history.last',
      },
    ],
    seeds: 100,
  },
  {
    name: 'log tail taken as committed at start',
    rule: 'nothing is applied beyond what is known committed (ZOOKEEPER-1549)',
    edits: [
      {
        file: serverState,
        from: 'this.#delivered = lastApplied\n',
        to: 'this.#delivered = this.history.last\n',
      },
    ],
    seeds: 100,
  },
  {
    name: 'leadership confirmed without a quorum',
    rule: 'sync is a quorum operation (ZOOKEEPER-1675, 2136, 3600)',
    edits: [
      {
        file: 'daemon/zab/leadership-check.ts',
        from: 'if (!this.#state.quorum.has(answered)) return undefined',
        to: 'this.#state.quorum.has(answered)',
      },
    ],
    seeds: 500,
  },
  {
    name: 'leadership confirmed by an earlier ping',
    rule: 'the leader confirms AFTER the sync arrived',
    edits: [
      {
        file: 'daemon/zab/leadership-check.ts',
        from: '(this.#answers.get(voter) ?? 0) >= sent.round',
        to: '(this.#answers.get(voter) ?? 0) >= sent.round - 2',
      },
    ],
    seeds: 500,
  },
  {
    name: 'leader without followers stays',
    rule: 'without a quorum for syncLimit it steps down',
    edits: [
      {
        file: leading,
        from: "if (!this.#discovery.keepsQuorum) this.#stepDown('a quorum is lost')",
        to: '',
      },
    ],
    seeds: 200,
  },
  {
    name: 'silent followers stay',
    rule: 'both sides measure silence',
    edits: [
      {
        file: leading,
        from: "if (nowMs - learner.heardMs > allowedMs) this.#drop(id, 'it was silent for too long')",
        to: 'learner.heardMs = Math.min(allowedMs, id)',
      },
    ],
    seeds: 500,
  },
  {
    name: 'follower waits for a silent leader',
    rule: 'follower without leader traffic for syncLimit: LOOKING',
    edits: [
      {
        file: following,
        from: "if (silentMs > this.#state.patience.allowedMs(nowMs)) this.#leave('it was silent')",
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'vote with what is applied',
    rule: 'the vote is the end of the log',
    edits: [
      {
        file: 'daemon/zab/looking.ts',
        from: 'return { epoch: epochs.currentEpoch, zxid: history.last, standing, id: self }',
        to: 'return { epoch: epochs.currentEpoch, zxid: this.#state.delivered, standing, id: self }\n    history.last',
      },
    ],
    seeds: 500,
  },
  {
    name: 'a server that lost its disk is counted',
    rule: 'it has forgotten its promises',
    edits: [
      {
        file: discovery,
        from: 'return this.#learners.get(voter)?.initialised === true',
        to: 'return this.#learners.get(voter) !== undefined',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'a first epoch without all voters',
    rule: 'an ensemble begins only when ALL configured voters are seen without a history',
    edits: [
      {
        file: discovery,
        from: 'return currentEpoch === undefined ? bootstrap : currentEpoch === 0',
        to: 'return (currentEpoch ?? 0) === 0 || bootstrap',
      },
      {
        file: discovery,
        from: 'const everybody = first && !bootstrap',
        to: 'const everybody = first && bootstrap',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'leadership is handed to one that lacks the tail',
    rule: 'a successor has the whole log on its disk when it is told to lead',
    edits: [
      {
        file: succession,
        from: 'if (delivered !== zxid || loggedBy(successor) !== zxid) return',
        to: 'if (delivered !== zxid) return',
      },
    ],
    seeds: 100,
  },
  {
    name: 'leadership is handed over with proposals in flight',
    rule: 'what a leader has proposed is committed and delivered before it hands over',
    edits: [
      {
        file: succession,
        from: 'if (delivered !== zxid || loggedBy(successor) !== zxid) return',
        to: 'if (loggedBy(successor) !== zxid) return',
      },
    ],
    seeds: 100,
  },
  {
    name: 'the old leader goes on proposing after it handed over',
    rule: 'a leader that hands over proposes nothing more in its epoch',
    edits: [{ file: succession, from: "    state.emit({ type: 'hold' })\n", to: '' }],
    seeds: 100,
  },
  {
    name: 'a transfer that waits for ever',
    rule: 'a transfer that takes too long is given up',
    edits: [
      {
        file: succession,
        from: 'if (this.#transfer !== undefined && nowMs > this.#transfer.deadlineMs) {',
        to: 'if (this.#transfer !== undefined && nowMs < 0) {',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a lost successor is waited for',
    rule: 'a transfer is given up when its successor is lost',
    edits: [
      {
        file: succession,
        from: 'if (this.#transfer?.successor === peer) this.#giveUp(',
        to: 'if (peer < 0) this.#giveUp(',
      },
      {
        file: succession,
        from: 'if (this.#transfer !== undefined && nowMs > this.#transfer.deadlineMs) {',
        to: 'if (this.#transfer !== undefined && nowMs < 0) {',
      },
    ],
    seeds: 300,
  },
  {
    name: 'followers are not told of the successor',
    rule: 'a transfer needs no election: everybody follows the successor at once',
    edits: [
      {
        file: succession,
        from: "        state.send(id, { type: 'SUCCESSOR', successor, zxid })\n        state.endSession(id)\n",
        to: "        drop(id, 'another server leads')\n",
      },
    ],
    seeds: 100,
  },
  {
    name: 'what was on its way to a leader that handed over',
    rule: 'messages of a session that SUCCESSOR ended are dropped',
    edits: [
      {
        file: serverState,
        from: 'if (!this.#ended.has(from)) return false',
        to: 'if (from >= 0) return false',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a leader pings the successor that it named',
    rule: 'SUCCESSOR is the last message of a leader',
    edits: [
      {
        file: leading,
        from: 'if (this.#succession.isHandingTo(id)) continue',
        to: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'two transfers at once',
    rule: 'a transfer of leadership is refused while one is in progress',
    edits: [
      {
        file: succession,
        from: "if (this.#transfer !== undefined) return refused('a transfer of leadership is in progress')",
        to: '',
      },
    ],
    seeds: 300,
  },
  {
    name: 'a handover amid a transfer',
    rule: 'a leader that hands over begins no epoch of its own',
    edits: [
      {
        file: leading,
        from: '    if (this.#succession.isUnderWay) return\n    if (!this.broadcasting',
        to: '    if (!this.broadcasting',
      },
    ],
    seeds: 1500,
  },
  {
    name: 'service before the own epoch is saved',
    rule: "the leader's epoch is durable before it counts itself (ZOOKEEPER-335, 1081)",
    edits: [
      {
        file: leading,
        from: "if (this.#phase !== 'synchronization' || !this.#ownEpochSaved) return",
        to: "if (this.#phase !== 'synchronization') return",
      },
      {
        file: leading,
        from: "invariant(this.#ownEpochSaved, 'nothing is logged in an epoch that the disk does not know of')",
        to: '',
      },
    ],
    seeds: 100,
  },
  {
    name: 'NEWLEADER before the history it vouches for',
    rule: 'strictly after everything the leader had (ZOOKEEPER-3104)',
    edits: [
      {
        file: synchronization,
        from: "if (after < history.last) state.emit({ type: 'sendHistory', to: id, after, upTo: history.last })",
        to: '',
      },
      {
        file: synchronization,
        from: '  learner.sync(history.last)\n',
        to: `  if (after < history.last) state.emit({ type: 'sendHistory', to: id, after, upTo: history.last })
  learner.sync(history.last)
`,
      },
    ],
    seeds: 200,
  },
  {
    name: 'ACK of a proposal before the one of NEWLEADER',
    rule: 'an ack for a PROPOSE does not overtake it (ZOOKEEPER-4685)',
    edits: [
      {
        file: following,
        from: "if (this.#phase !== 'accepted' && this.#phase !== 'broadcast') return",
        to: "if (!['syncing', 'accepting', 'accepted', 'broadcast'].includes(this.#phase)) return",
      },
    ],
    seeds: 100,
  },
  {
    name: 'COMMIT before UPTODATE',
    rule: 'a COMMIT does not overtake it (ZOOKEEPER-4394)',
    edits: [
      {
        file: leading,
        from: "else if (learner.phase.type === 'synced') {",
        to: 'else if (learner.takesProposals) {',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a history asked for from what is applied',
    rule: 'lastLogged is the end of the log (ZOOKEEPER-2845)',
    edits: [
      {
        file: following,
        from: 'lastZxid: this.#state.history.last,\n      counts',
        to: 'lastZxid: this.#state.delivered,\n      counts',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a learner session outlives its role',
    rule: 'everything of an old role is fenced before a new one starts (ZOOKEEPER-4541, 4712)',
    edits: [
      {
        file: following,
        from: 'this.#state.disconnect(this.#leader,',
        to: "if (reason === '') this.#state.disconnect(this.#leader,",
      },
    ],
    seeds: 200,
  },
  {
    name: 'a leader that stepped down keeps its links',
    rule: 'leader without a quorum drops all (ZOOKEEPER-4712)',
    edits: [
      {
        file: leading,
        from: 'for (const [id] of this.#learners.sorted) this.#drop(id,',
        to: 'for (const [id] of this.#learners.sorted) this.#forget(id,',
      },
    ],
    seeds: 200,
  },
  {
    name: 'joiner compares what members differ in',
    rule: 'by leader and established epoch (ZOOKEEPER-1732, 1805)',
    edits: [
      {
        file: 'daemon/zab/looking.ts',
        from: 'return other?.vote.id === id && other.establishedEpoch === word.establishedEpoch',
        to: 'return other !== undefined && sameVote(other.vote, word.vote)',
      },
      {
        file: following,
        from: 'zxid: history.last,\n        standing',
        to: 'zxid: this.#syncPoint || history.last,\n        standing',
      },
    ],
    seeds: 200,
  },
  {
    name: 'a tree has to come within a fixed time',
    rule: 'time-outs by progress, not by size (ZOOKEEPER-1697)',
    edits: [
      {
        file: following,
        from: "if (silentMs > syncTimeoutMs) this.#leave('it was silent during synchronization')",
        to: "if (nowMs - this.#startedMs > discoveryTimeoutMs) this.#leave('its tree takes too long')",
      },
    ],
    seeds: 1000,
  },
  {
    name: 'an epoch goes on past its counter',
    rule: 'rollover (ZOOKEEPER-1277)',
    edits: [
      {
        file: leading,
        from: 'counterOf(last) > epochCounterMax)',
        to: 'counterOf(last) > 2 ** 32)',
      },
    ],
    seeds: 200,
  },
  {
    name: 'what was durable before a cut still counts',
    rule: 'what a server reports is durable now (ZOOKEEPER-3642, 5094)',
    edits: [
      {
        file: serverState,
        from: 'if (this.#durable > to) this.#durable = to\n',
        to: '',
      },
      {
        file: serverState,
        from: 'this.#truncating = false\n    // The cut was synced with all that lies before it.\n    this.#durable = this.history.last',
        to: 'this.#truncating = false',
      },
    ],
    seeds: 200,
  },
  {
    name: 'DIFF for a log that is not a prefix',
    rule: 'what the leader does not have is cut first (ZOOKEEPER-1154, 1156)',
    edits: [
      {
        file: 'daemon/zab/synchronization.ts',
        from: "return floor === lastZxid ? { type: 'DIFF', after: lastZxid } : { type: 'TRUNC', to: floor }",
        to: "return { type: 'DIFF', after: lastZxid }",
      },
    ],
    seeds: 100,
  },
  {
    name: 'half is a quorum',
    rule: 'a majority',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'return 2 * part > whole',
        to: 'return 2 * part >= whole - 1',
      },
    ],
    seeds: 100,
  },
  {
    name: 'a vote by its zxid before its epoch',
    rule: 'epoch, then zxid, then id',
    edits: [
      {
        file: 'daemon/zab/vote.ts',
        from: 'a.epoch - b.epoch ||\n    a.zxid - b.zxid ||',
        to: 'a.zxid - b.zxid ||\n    a.epoch - b.epoch ||',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'a tree in force before it is whole',
    rule: 'SNAP is written aside, then swapped (ZOOKEEPER-3642)',
    edits: [
      {
        file: following,
        from: "this.#phase = 'receiving'\n",
        to: "this.#phase = 'receiving'\n        this.#installed()\n",
      },
    ],
    seeds: 100,
  },

  // --- observers ---------------------------------------------------------------------------------
  {
    name: "an observer's ack is counted",
    rule: 'it never acks into a quorum',
    edits: [
      {
        file: leading,
        from: 'const more = this.#countsAck(from, learner) && this.#broadcast.acked(from, syncPoint)',
        to: `const { voters } = this.#state.membership
    const absent = voters.find((voter) => this.#broadcast.loggedBy(voter) === undefined)
    const more = this.#broadcast.acked(this.#isVoter(from) ? from : (absent ?? from), syncPoint)`,
      },
    ],
    seeds: 500,
  },
  {
    name: "an observer's promise is counted",
    rule: 'it never promises epochs into the count, neither by CEPOCH nor by ACKEPOCH',
    edits: [
      {
        file: leading,
        from: "if (this.#phase === 'promising' && !this.#isVoter(id)) continue",
        to: '',
      },
      {
        file: discovery,
        from: 'return quorum.has((voter) => promised(voter) && this.counts(voter))',
        to: `return this.#learners.sorted.filter(([id]) => promised(id)).length * 2 >= this.#state.membership.voters.length`,
      },
      {
        file: discovery,
        from: 'quorum.has((voter) => present(voter) && (first || this.counts(voter)))',
        to: '(first ? quorum.has(present) : this.#learners.sorted.length * 2 >= this.#state.membership.voters.length)',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'an observer stands for election',
    rule: 'it never votes, and is never elected',
    edits: [
      {
        file: 'daemon/zab/looking.ts',
        from: 'return this.#mayVote(this.#state.self)',
        to: 'return true',
      },
      {
        file: 'daemon/zab/looking.ts',
        from: 'const standing = configurations.standingOf(self)',
        to: "const standing = 'voter'",
      },
      {
        file: 'daemon/zab/looking.ts',
        from: 'if (leader === this.#state.self && !this.#state.configurations.concerns(leader)) return\n',
        to: '',
      },
    ],
    seeds: 500,
  },
  {
    name: 'an observer deposes a leader',
    rule: 'the epoch of a server that does not vote binds no other',
    edits: [
      {
        file: discovery,
        from: 'return initialised && membership.isVoter(from) && this.#state.isMember(from)',
        to: 'const counts = initialised && this.#state.isMember(from)',
      },
    ],
    seeds: 100,
  },
  {
    name: 'INFORM before the commit',
    rule: 'INFORM is proposal and commit',
    edits: [
      {
        file: leading,
        from: 'else hasObservers = true',
        to: "else if (learner.phase.type === 'synced') this.#state.send(id, { type: 'INFORM', entries })",
      },
    ],
    seeds: 100,
  },
  {
    name: 'an observer that synchronizes is not informed',
    rule: 'from the sync point on, all that follows reaches it (3104, and issue 1 of the specification)',
    edits: [
      {
        file: observerFeed,
        from: 'if (!learner.takesProposals) return\n',
        to: "if (learner.phase.type !== 'synced') return\n",
      },
    ],
    seeds: 500,
  },

  // --- configurations ----------------------------------------------------------------------------
  {
    name: 'two changes at once',
    rule: 'I20: a configuration is proposed when the last one is active',
    edits: [
      {
        file: reconfiguration,
        from: "if (configurations.isJoint || configurations.since > committed) return 'in progress'",
        to: "if (committed < 0) return 'in progress'",
      },
      {
        file: 'daemon/zab/configuration.ts',
        from: "invariant(before === undefined, 'a configuration is proposed when the one before is active')",
        to: '',
      },
    ],
    seeds: 500,
  },
  {
    name: 'the servers of the files have no version of their own',
    rule: 'I20: NEWLEADER of the first epoch agrees on the first configuration',
    edits: [
      {
        file: following,
        from: "if (this.#phase === 'syncing') this.#takeFirst(message)",
        to: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'the first configuration of each epoch',
    rule: 'I20: what is agreed on in the first epoch stays',
    edits: [
      {
        file: serverState,
        from: 'if (!this.mayChange || last.version !== zxidZero) return this.#epochs.agreed',
        to: 'if (!this.mayChange) return this.#epochs.agreed',
      },
    ],
    seeds: 50,
  },
  {
    name: 'the first configuration acknowledged before it is saved',
    rule: 'I20: it is saved with the epoch, before ACKNEWLEADER',
    edits: [
      {
        file: following,
        from: 'initialised: true, ensembleId, agreed })',
        to: 'initialised: true, ensembleId })',
      },
      {
        file: following,
        from: 'if (state.saved.agreed?.version !== agreed?.version) return',
        to: '',
      },
    ],
    seeds: 50,
  },
  {
    name: 'commits by the new majority alone',
    rule: 'I20: both majorities, until the new one is active',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'if (least === undefined || zxid < least) least = zxid',
        to: 'least = zxid',
      },
    ],
    seeds: 500,
  },
  {
    name: 'commits by the old majority alone',
    rule: 'I20: both majorities, until the new one is active',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'if (least === undefined || zxid < least) least = zxid',
        to: 'least ??= zxid',
      },
    ],
    seeds: 500,
  },
  {
    name: 'promises by one majority alone',
    rule: 'I20: both majorities elect',
    edits: [
      {
        file: discovery,
        from: 'return quorum.has((voter) => promised(voter) && this.counts(voter))',
        to: 'return quorum && this.#state.configurations.mayBeQuorum((voter) => promised(voter) && this.counts(voter))',
      },
      {
        file: discovery,
        from: 'return quorum.has((voter) => present(voter) && (first || this.counts(voter)))',
        to: 'return quorum && this.#state.configurations.mayBeQuorum((voter) => present(voter) && (first || this.counts(voter)))',
      },
      {
        file: discovery,
        from: 'return quorum.has(\n',
        to: 'return quorum && this.#state.configurations.mayBeQuorum(\n',
      },
      {
        file: 'daemon/zab/broadcast.ts',
        from: 'return this.#state.quorum.has((voter) => this.#logged.has(voter))',
        to: 'return this.#state.configurations.mayBeQuorum((voter) => this.#logged.has(voter))',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'NEWLEADER acknowledged by one majority alone',
    rule: 'I20: both majorities begin an epoch',
    edits: [
      {
        file: 'daemon/zab/broadcast.ts',
        from: 'return this.#state.quorum.has((voter) => this.#logged.has(voter))',
        to: 'return this.#state.configurations.mayBeQuorum((voter) => this.#logged.has(voter))',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'a configuration that TRUNC does not take back',
    rule: 'the last one in the log is in force',
    edits: [
      {
        file: serverState,
        from: 'this.configurations.truncateAfter(to)',
        to: '',
      },
    ],
    seeds: 2000,
  },
  {
    name: 'a configuration in force once it is delivered',
    rule: 'the last one in the log is in force, committed or not',
    edits: [
      {
        file: 'daemon/zab/configuration.ts',
        from: 'return this.#last.membership',
        to: 'return (this.#places[0] ?? this.#last).membership',
      },
    ],
    seeds: 500,
  },
  {
    name: 'a restart forgets what was not delivered',
    rule: 'after a restart the configuration is read from the log',
    edits: [
      {
        file: serverState,
        from: 'for (const { zxid, change } of options.changes ?? []) this.configurations.append(zxid, change)',
        to: '',
      },
    ],
    seeds: 500,
  },
  {
    name: 'a tree without its configuration',
    rule: 'a tree carries the configuration that it shows',
    edits: [
      {
        file: serverState,
        from: 'this.configurations.restartAfter(zxid, configuration ?? this.#first)',
        to: 'this.configurations.restartAfter(zxid, this.#first)',
      },
    ],
    seeds: 5000,
  },
  {
    name: 'a removed leader goes on',
    rule: 'a leader that does not vote steps down once the change is committed',
    edits: [
      {
        file: reconfiguration,
        from: 'return !isJoint && since <= committed && !membership.isVoter(self)',
        to: 'return isJoint && since > committed && !membership.isVoter(self)',
      },
    ],
    seeds: 500,
  },
  {
    name: 'a new voter without what it was to be informed of',
    rule: 'the log of a voter has no gaps',
    edits: [
      {
        file: observerFeed,
        from: '(entries) => entries.first > learner.sentUpTo',
        to: '(entries) => entries.first < learner.sentUpTo',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'one group decides for all',
    rule: 'of divided voters, a majority of the groups',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'const zxid = zxids[Math.floor(groups.length / 2)] ?? zxidZero',
        to: 'const zxid = zxids[0] ?? zxidZero',
      },
      {
        file: 'daemon/zab/quorum.ts',
        from: 'return isMajority(count, groups.length)',
        to: 'return count > 0',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'a heavy vote counts once',
    rule: 'more than half of the weight, by the weights of both ends',
    edits: [
      {
        file: 'daemon/zab/quorum.ts',
        from: 'acked += ack.weight',
        to: 'acked++',
      },
      {
        file: 'daemon/zab/quorum.ts',
        from: 'ballots.reduce((sum, { weight }) => sum + weight, 0)',
        to: 'ballots.length',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'groups that the log names are a majority to its reader',
    rule: 'the groups are part of a configuration',
    edits: [
      {
        file: 'daemon/zab/configuration.ts',
        from: 'const before = state.before && electorateOf(state.before, this.#groupsIn)',
        to: 'const before = state.before && electorateOf(state.before, undefined)',
      },
    ],
    seeds: 1000,
  },
  {
    name: 'a configuration is activated before it is committed',
    rule: 'the old majority alone may elect until a joint one has the change',
    edits: [
      {
        file: reconfiguration,
        from: 'if (this.#activates || !configurations.isJoint || configurations.since > delivered) return',
        to: 'if (this.#activates || !configurations.isJoint || delivered < 0) return',
      },
      {
        file: leading,
        from: '    this.#state.append(entries)\n    if (',
        to: '    this.#state.append(entries)\n    this.#reconfiguration.maybeActivate()\n    if (',
      },
    ],
    seeds: 500,
  },
]
