import type { Credits } from '../credits.js'
import type { DoorScope } from '../keys/key.js'
import type { Style } from './output.js'
import type { Settings } from './settings.js'

/** One command of the table: what `--help` says of it and what it does. */
export interface CommandDefinition<Options = object> {
  /** `credits`, or `account create` for one of a group. */
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** In commander's notation: `<required>`, `[optional]`, `[many...]`. */
  readonly arguments?: readonly Described[]
  readonly options?: readonly OptionDescription[]
  /** What stands after `npx mcp-credits` in the example below the help. */
  readonly example: string
  /** It writes nothing, and so makes no ledger at a place that somebody has named: a misspelt path would be an empty ledger that adds up. */
  readonly isReading?: true
  /** What a key has to allow for it, where one is given; left out: `credits:read` for what only reads, `admin` otherwise. */
  readonly scope?: KeyScope
  /** What this command calls fields of the library, where it has other words for them than most. */
  readonly fields?: Readonly<Record<string, string>>
  /** Whether a command of another program may follow after `--`. */
  readonly takesCommand?: boolean
  readonly run: (invocation: Invocation<Options>) => Promise<Report | Done>
}

export type KeyScope = DoorScope

export interface Described {
  readonly flags: string
  readonly summary: string
}

export interface OptionDescription extends Described {
  /** May be given more than once; its value is the list of what was given. */
  readonly isRepeatable?: true
}

/** A command as it was typed. */
export interface Invocation<Options = object> {
  readonly arguments: readonly string[]
  readonly options: Options
  /** What stood after `--`, untouched; empty if nothing did. */
  readonly command: readonly string[]
  readonly settings: Settings
  readonly style: Style
  /**
   * Opens the ledger, once, for the account of the settings; it is closed after the command. It acts as the operator, or
   * with the key of the settings, which is looked at each time.
   *
   * @throws CreditError `catalog_invalid`, `schema_too_new`, `ledger_unavailable`, `unauthenticated`, `forbidden`
   */
  readonly open: (asked?: OpenRequest) => Promise<Credits>
  readonly io: Streams
}

export interface OpenRequest {
  readonly catalog?: string | object | undefined
  /** What a key has to allow; the command's own scope unless told, null for any key that holds. */
  readonly scope?: KeyScope | null
}

export interface Streams {
  /** Writes to standard output, as it is. Resolves when more can be taken. */
  readonly write: (text: string) => Promise<void>
  /** Writes a line for people to standard error. */
  readonly note: (line: string) => void
  /** Whether standard output is a terminal, where lines can be drawn again in place. */
  readonly isTerminal: boolean
  /** Whether standard error is a terminal, where somebody may follow what is said beside the result. */
  readonly isErrorTerminal: boolean
  /** Whether somebody sits at a terminal and can be asked. */
  readonly isInteractive: boolean
  readonly ask: (question: string) => Promise<string>
  /** Aborts on SIGINT and SIGTERM, or on the so-manieth of them. Whoever asks for it ends by itself; nobody is ended in the middle then. */
  readonly stop: (count?: number) => AbortSignal
}

/** What a command found out: the facts for `--json`, and the words for people. */
export interface Report {
  /** A result of the library; on the wire its names are in snake case. */
  readonly result: unknown
  /** Lines for people. Left uncalled with `--json`. */
  readonly text: () => readonly string[]
  /** The result is printed as it is: it is a document, or it is on the wire's names already. */
  readonly isWire?: true
  /** Left out: 0. */
  readonly exitCode?: number
}

/** The command has written all there is by itself. */
export interface Done {
  readonly exitCode: number
}

/** Keeps the type of a command's options where it is defined, and forgets it in the table. */
export function command<Options = object>(definition: CommandDefinition<Options>): CommandDefinition {
  return definition as unknown as CommandDefinition
}
