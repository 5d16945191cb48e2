import { Command } from 'commander'
import type { CommandDefinition, OptionDescription } from './definition.js'
import { COMMON_OPTIONS } from './settings.js'

/** A command and its words as commander read them. */
export interface Typed {
  readonly definition: CommandDefinition
  readonly arguments: readonly string[]
  readonly options: object
}

export interface ProgramOptions {
  readonly version: string
  readonly definitions: readonly CommandDefinition[]
  /** What a group of commands is for, by its name. */
  readonly groups: Readonly<Record<string, string>>
  readonly run: (typed: Typed) => Promise<void>
  /** Takes the help that was asked for. */
  readonly writeHelp: (text: string) => void
  /** Takes the help that is shown because a command is missing. */
  readonly writeHint: (text: string) => void
}

/** The table of commands as a commander program. It throws a `CommanderError` instead of ending the process. */
export function buildProgram({ version, definitions, groups, run, writeHelp, writeHint }: ProgramOptions): Command {
  const program = new Command('mcp-credits')
    .description('Credits for AI agents: a price and a limit on what agents do, over an exact ledger.')
    .version(version)
    .exitOverride()
    // What commander says of a mistake is in the error that it throws as well, and is said from there.
    .configureOutput({ writeOut: writeHelp, writeErr: writeHint, outputError: () => undefined })
    .helpCommand(false)
  for (const definition of definitions) {
    const [name = '', member] = definition.name.split(' ')
    const parent = member === undefined ? program : groupOf(program, name, groups[name] ?? '')
    addCommand(parent, member ?? name, definition, run)
  }
  return program
}

function groupOf(program: Command, name: string, summary: string): Command {
  return program.commands.find((command) => command.name() === name) ?? program.command(name).description(summary)
}

function addCommand(parent: Command, name: string, definition: CommandDefinition, run: ProgramOptions['run']): void {
  const command = parent.command(name).description(definition.summary)
  if (definition.alias !== undefined) command.alias(definition.alias)
  for (const { flags, summary } of definition.arguments ?? []) command.argument(flags, summary)
  for (const option of definition.options ?? []) addOption(command, option)
  for (const option of COMMON_OPTIONS) addOption(command, option)
  if (definition.takesCommand === true) command.usage(`${command.usage()} [-- <command...>]`)
  command.addHelpText('after', `\nExample:\n  npx mcp-credits ${definition.example}`)
  command.action(async () => run({ definition, arguments: command.args, options: command.opts() }))
}

function addOption(command: Command, { flags, summary, isRepeatable }: OptionDescription): void {
  if (isRepeatable === true) command.option(flags, `${summary}; may be repeated`, (value: string, former?: string[]) => [...(former ?? []), value])
  else command.option(flags, summary)
}
