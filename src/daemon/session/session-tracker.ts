// The leader's view of sessions: the live ones, their deadlines, and the owner of each.
//
// It is ahead of the tree: it has a session from the proposal of its createSession to the proposal
// of its closeSession, so that prep.ts can refuse requests ordered after the close. On other
// servers it is empty. Rules as in ZooKeeper's SessionTrackerImpl; time is an argument.

import { invariant } from '../../invariant.ts'
import type { ServerId, SessionId } from '../../protocol/records.ts'
import { ExpiryQueue } from './expiry-queue.ts'

interface Tracked {
  readonly timeoutMs: number
  /** the server that attached it last; undefined until one does under this leader */
  owner: ServerId | undefined
}

export class SessionTracker {
  readonly #tickMs: number
  readonly #sessions = new Map<SessionId, Tracked>()
  readonly #deadlines: ExpiryQueue<SessionId>
  #checkedMs: number | undefined = undefined

  constructor({ tickMs }: { tickMs: number }) {
    this.#tickMs = tickMs
    this.#deadlines = new ExpiryQueue(tickMs)
  }

  get size(): number {
    return this.#sessions.size
  }

  /** When sessions expire, ascending, if they stay silent. */
  get deadlines(): { readonly deadlineMs: number; readonly items: readonly SessionId[] }[] {
    return this.#deadlines.sets
  }

  has(session: SessionId): boolean {
    return this.#sessions.has(session)
  }

  /** @returns undefined also for a session not attached since this leader was established */
  owner(session: SessionId): ServerId | undefined {
    return this.#sessions.get(session)?.owner
  }

  /**
   * Its time-out starts with the first touch: its client knows of it only once its creation is
   * applied.
   */
  add(
    session: SessionId,
    { timeoutMs, owner }: { readonly timeoutMs: number; readonly owner: ServerId },
  ): void {
    invariant(!this.#sessions.has(session), 'a session is created once')
    this.#sessions.set(session, { timeoutMs, owner })
  }

  /** The session was heard from. @returns whether it is alive */
  touch(session: SessionId, nowMs: number): boolean {
    const tracked = this.#sessions.get(session)
    if (tracked === undefined) return false
    this.#deadlines.update(session, nowMs + tracked.timeoutMs)
    return true
  }

  /**
   * The session went on at `owner` under the leader before this one.
   *
   * @returns whether it still may: no other server has attached it since, and it lives
   */
  maybeKeep(session: SessionId, owner: ServerId): boolean {
    const tracked = this.#sessions.get(session)
    if (tracked === undefined) return false
    tracked.owner ??= owner
    return tracked.owner === owner
  }

  /** From now on `owner` owns the session. */
  setOwner(session: SessionId, owner: ServerId): void {
    const tracked = this.#sessions.get(session)
    invariant(tracked !== undefined, 'only a live session has an owner')
    tracked.owner = owner
  }

  remove(session: SessionId): void {
    this.#sessions.delete(session)
    this.#deadlines.remove(session)
  }

  /**
   * Removes and returns the expired sessions: the caller proposes their close. Called every tick;
   * one bucket at a time, so that waiting touches are not late.
   *
   * A call more than two ticks after the previous one expires nothing: this process was stopped,
   * and the clients' pings of that time are still unread.
   */
  expire(nowMs: number): SessionId[] {
    const checkedMs = this.#checkedMs
    this.#checkedMs = nowMs
    if (checkedMs !== undefined && nowMs - checkedMs > 2 * this.#tickMs) return []
    const expired = this.#deadlines.poll(nowMs)
    for (const session of expired) this.#sessions.delete(session)
    return expired
  }

  /**
   * At the start of a leadership: every session gets a whole time-out again and waits for its
   * owner.
   */
  reset(sessions: ReadonlyMap<SessionId, { readonly timeoutMs: number }>, nowMs: number): void {
    this.clear()
    for (const [session, { timeoutMs }] of sessions) {
      this.#sessions.set(session, { timeoutMs, owner: undefined })
      this.#deadlines.update(session, nowMs + timeoutMs)
    }
  }

  /** At the end of a leadership. */
  clear(): void {
    this.#sessions.clear()
    this.#deadlines.clear()
    this.#checkedMs = undefined
  }
}
