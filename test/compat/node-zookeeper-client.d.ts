// The part of node-zookeeper-client that its test uses; the package brings no types.

declare module 'node-zookeeper-client' {
  export interface Stat {
    readonly version: number
    readonly numChildren: number
    readonly dataLength: number
  }

  export interface Event {
    readonly name: string
    readonly path: string
  }

  export interface Failure extends Error {
    readonly name: string
    getCode(): number
  }

  export interface Transaction {
    create(path: string, data?: Buffer): this
    setData(path: string, data: Buffer, version?: number): this
    check(path: string, version?: number): this
    remove(path: string, version?: number): this
    commit(done: (error: Failure | null, results: readonly unknown[]) => void): void
  }

  export type Watcher = (event: Event) => void

  export interface Client {
    connect(): void
    close(): void
    once(event: string, listener: () => void): this
    on(event: string, listener: () => void): this
    getSessionId(): Buffer
    addAuthInfo(scheme: string, auth: Buffer): void
    create(
      path: string,
      data: Buffer | null,
      acls: readonly unknown[],
      mode: number,
      done: (error: Failure | null, path: string) => void,
    ): void
    remove(path: string, version: number, done: (error: Failure | null) => void): void
    exists(
      path: string,
      watcher: Watcher,
      done: (error: Failure | null, stat: Stat | null) => void,
    ): void
    getData(
      path: string,
      watcher: Watcher,
      done: (error: Failure | null, data: Buffer, stat: Stat) => void,
    ): void
    setData(
      path: string,
      data: Buffer,
      version: number,
      done: (error: Failure | null, stat: Stat) => void,
    ): void
    getChildren(
      path: string,
      watcher: Watcher,
      done: (error: Failure | null, children: readonly string[], stat: Stat) => void,
    ): void
    getACL(
      path: string,
      done: (error: Failure | null, acls: readonly unknown[], stat: Stat) => void,
    ): void
    mkdirp(path: string, done: (error: Failure | null) => void): void
    transaction(): Transaction
  }

  const zookeeper: {
    createClient(servers: string, options?: { readonly sessionTimeout?: number }): Client
    readonly CreateMode: Readonly<
      Record<'PERSISTENT' | 'EPHEMERAL' | 'PERSISTENT_SEQUENTIAL' | 'EPHEMERAL_SEQUENTIAL', number>
    >
    readonly ACL: {
      readonly OPEN_ACL_UNSAFE: readonly unknown[]
      readonly CREATOR_ALL_ACL: readonly unknown[]
    }
  }
  export default zookeeper
}
