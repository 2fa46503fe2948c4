// An option is a row, and a program lists its rows. options.ts reads values by them; option-help.ts
// prints them.

interface RowBase {
  /** one sentence, for --help and the sample file */
  readonly about: string
  /** other spellings, accepted wherever the name is */
  readonly aliases?: readonly string[]
  /** text for a computed default: '2 × tickTime' */
  readonly defaultText?: string
  /** messages never show its value */
  readonly secret?: boolean
}

export type OptionRow =
  | (RowBase & {
      readonly type: 'integer'
      readonly default: number | undefined
      readonly min: number
      readonly max: number
      /** accepts `0x…` as a number */
      readonly hexadecimal?: boolean
      /** which out-of-range values are replaced by the bound, with a warning, instead of refused */
      readonly clamped?: 'above' | 'both'
    })
  | (RowBase & { readonly type: 'boolean'; readonly default: boolean | undefined })
  | (RowBase & { readonly type: 'text'; readonly default: string | undefined })
  | (RowBase & {
      readonly type: 'choice'
      readonly default: string | undefined
      readonly choices: readonly string[]
      /** `NEED` is `need` */
      readonly anyCase?: boolean
    })
  /** `server.1`, `server.2` …: a number from `min` to `max` in place of the N in its name. */
  | (RowBase & {
      readonly type: 'numbered'
      readonly min: number
      readonly max: number
      readonly example: string
    })
  /** A file of more keys, read as if they were written in place of this one. */
  | (RowBase & {
      readonly type: 'include'
      /** keys of such files to skip */
      readonly skipped: readonly string[]
    })
  /**
   * Known in ZooKeeper or Kafka, without effect here: accepted with a warning. `x.*` matches all
   * below.
   */
  | {
      readonly type: 'ignored'
      readonly why: string
      /** values that change nothing: accepted without a warning */
      readonly unless?: readonly string[]
    }
  /** Known in ZooKeeper or Kafka, and dangerous to ignore. `x.*` matches all below. */
  | {
      readonly type: 'refused'
      readonly why: string
      /** values that change nothing: accepted without a warning */
      readonly unless?: readonly string[]
    }

export type OptionRows = Readonly<Record<string, OptionRow>>

type ValueOf<Row extends OptionRow> = Row extends { type: 'numbered' }
  ? ReadonlyMap<number, string>
  : Row extends { type: 'choice'; choices: readonly (infer Choice)[]; default: infer Default }
    ? Choice | Extract<Default, undefined>
    : Row extends { type: 'integer'; default: infer Default }
      ? number | Extract<Default, undefined>
      : Row extends { type: 'boolean'; default: infer Default }
        ? boolean | Extract<Default, undefined>
        : Row extends { type: 'text'; default: infer Default }
          ? string | Extract<Default, undefined>
          : never

type Kept<Rows extends OptionRows> = {
  [Name in keyof Rows]: Rows[Name]['type'] extends 'include' | 'ignored' | 'refused' ? never : Name
}[keyof Rows]

export type ValuesOf<Rows extends OptionRows> = {
  readonly [Name in Kept<Rows>]: ValueOf<Rows[Name]>
}

export interface Program<Rows extends OptionRows> {
  readonly name: string
  /** one sentence, the heading of --help */
  readonly about: string
  /** prefix of environment variables, with its underscore: 'ZW_' */
  readonly environmentPrefix: string
  /** optional prefix of any name: 'zookeeper.' */
  readonly namePrefix?: string
  /** settings found elsewhere in the environment; the file overrides them */
  readonly foreignSettings?: (environment: Environment) => ForeignSettings
  readonly rows: Rows
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface ForeignSettings {
  /** `name` is spelled as in the file; an unknown name only causes a warning */
  readonly settings: readonly Setting[]
  readonly warnings: readonly string[]
}

/** One value as given. */
export interface Setting {
  /** the option as the user spelled it */
  readonly spelled: string
  readonly value: string
  /** 'zoo.cfg:3', 'the environment (ZW_DATA_DIR)' or 'the command line' */
  readonly source: string
}

export type ValueRow = Extract<OptionRow, { readonly default: unknown }>

/** What a value of this row must be, for messages. */
export function allowed(row: ValueRow): string {
  switch (row.type) {
    case 'integer':
      return `it must be a whole number from ${row.min} to ${row.max}`
    case 'boolean':
      return 'it must be true or false'
    case 'choice':
      return `it must be one of ${row.choices.join(', ')}`
    case 'text':
      return 'it must not be empty'
  }
}

/** A text without a default. */
export interface TextRow {
  readonly type: 'text'
  readonly default: undefined
  readonly defaultText: string
  readonly secret?: boolean
  readonly about: string
}

export function textRow(about: string, defaultText = 'none'): TextRow {
  return { type: 'text', default: undefined, defaultText, about }
}

/** Its value is shown nowhere. */
export function secretRow(about: string): TextRow {
  return { type: 'text', default: undefined, defaultText: 'none', secret: true, about }
}
