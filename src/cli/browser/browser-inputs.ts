// What the browser's model takes in, and what it asks the program to do.

import type { ClusterLines } from '../consumer/cluster-lines.ts'
import type { GroupsFacts, PartitionFacts, TopicFacts } from './browser-facts.ts'
import type { Exported, ExportRequest } from './export-form.ts'
import type { Produced } from './produce-form.ts'
import type { ResetOutcome, ResetRequest } from './reset-form.ts'
import type { Seek } from './seek-target.ts'
import type { ShownRecord } from './shown-record.ts'
import type { TypedKey } from './typed-key.ts'
import type { TypedRecord } from './typed-record.ts'

export const views = ['records', 'partitions', 'groups', 'topics'] as const
export type View = (typeof views)[number]

/** What the mouse points at. */
export type Hit =
  | { readonly type: 'tab'; readonly view: View }
  | { readonly type: 'row'; readonly view: View; readonly row: number }
  | { readonly type: 'none' }

export type BrowserInput =
  | { readonly type: 'records'; readonly records: readonly ShownRecord[]; readonly nowMs: number }
  | { readonly type: 'partitions'; readonly partitions: readonly PartitionFacts[] }
  | { readonly type: 'cluster'; readonly cluster: ClusterLines }
  | { readonly type: 'groups'; readonly groups: GroupsFacts }
  | { readonly type: 'topics'; readonly topics: readonly TopicFacts[] }
  | { readonly type: 'reading'; readonly broker: number }
  /** Reading goes on elsewhere: the records so far do not belong before the next ones. */
  | { readonly type: 'sought' }
  | { readonly type: 'produced'; readonly outcome: Produced }
  | {
      readonly type: 'exported'
      readonly request: ExportRequest
      readonly outcome: Exported
    }
  | {
      readonly type: 'resetAnswered'
      readonly request: ResetRequest
      readonly outcome: ResetOutcome
    }
  | BrowserEvent
  | ({ readonly type: 'key' } & TypedKey)
  /** Text that the terminal marks as pasted: it presses no keys. */
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: 'mouse'; readonly event: 'click' | 'wheelUp' | 'wheelDown'; readonly hit: Hit }

interface BrowserEvent {
  readonly type: 'event'
  /** of day */
  readonly time: string
  readonly text: string
  /** replaces the last event about the same subject */
  readonly about?: string | undefined
}

export type BrowserEffect =
  | { readonly type: 'quit' }
  /** undefined: all partitions */
  | { readonly type: 'pause'; readonly isPaused: boolean; readonly partition: number | undefined }
  | ({ readonly type: 'seek' } & Seek)
  /** gives up the waits for brokers that are down, and tries all now */
  | { readonly type: 'reconnect' }
  | { readonly type: 'open'; readonly topic: string }
  | { readonly type: 'copy'; readonly bytes: Uint8Array }
  /** answered by `produced` */
  | { readonly type: 'produce'; readonly record: TypedRecord }
  /** answered by `exported` */
  | { readonly type: 'export'; readonly request: ExportRequest }
  /** answered by `resetAnswered` */
  | { readonly type: 'reset'; readonly request: ResetRequest }
  /** adds an event, with the time of day */
  | { readonly type: 'tell'; readonly text: string }
