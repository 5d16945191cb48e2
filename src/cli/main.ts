import { homedir } from 'node:os'
import { CommanderError } from 'commander'
import { CreditError, ERRORS } from '../errors.js'
import { toWire } from '../wire.js'
import { refusalBody } from '../refusal-body.js'
import { commandsFor, groups } from './commands.js'
import type { Machine } from './default-database.js'
import type { CommandDefinition, Invocation, KeyScope, Report, Streams } from './definition.js'
import { Opening } from './opening.js'
import { printable, type Style, styleFor } from './output.js'
import { packageVersion } from './package-version.js'
import { buildProgram, type Typed } from './program.js'
import { readSettings } from './settings.js'
import { ProcessStreams } from './streams.js'

/** What a command line runs in; a process's own unless told. */
export interface Surroundings {
  readonly machine: Machine
  readonly streams: Streams
  readonly style: Style
}

/**
 * Runs one command line and resolves with the exit code: 0 done, otherwise what `ERRORS` says of the refusal; a mistake
 * in the words is 2. Text for people and JSON go to standard output, everything that is said beside them to standard
 * error.
 */
export async function main(argv: readonly string[], surroundings: Surroundings = ofProcess()): Promise<number> {
  const { streams } = surroundings
  const definitions = await commandsFor(argv[0])
  const { words, command } = splitAtDashes(argv, definitions)
  let exitCode = 0
  const program = buildProgram({
    version: packageVersion(),
    definitions,
    groups,
    writeHelp: (text) => void streams.write(text),
    writeHint: (text) => streams.note(text),
    run: async (typed) => {
      exitCode = await runCommand(typed, command, surroundings)
    },
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    return await refuse(error, { isJson: words.includes('--json'), streams })
  }
}

function ofProcess(): Surroundings {
  const { env, platform } = process
  return { machine: { env, platform, home: homedir() }, streams: new ProcessStreams(), style: styleFor(process.stdout, env) }
}

/** What follows `--` belongs to another program, where the command takes one, and is not looked at. */
function splitAtDashes(
  argv: readonly string[],
  definitions: readonly CommandDefinition[],
): { readonly words: readonly string[]; readonly command: readonly string[] } {
  const at = argv.indexOf('--')
  const takesCommand = definitions.some(({ name, takesCommand }) => name === argv[0] && takesCommand === true)
  return at === -1 || !takesCommand ? { words: argv, command: [] } : { words: argv.slice(0, at), command: argv.slice(at + 1) }
}

async function runCommand(typed: Typed, command: readonly string[], { machine, streams, style }: Surroundings): Promise<number> {
  const settings = readSettings(typed.options, machine)
  const opening = new Opening(settings, { mustExist: typed.definition.isReading === true })
  const invocation: Invocation = {
    arguments: typed.arguments,
    options: typed.options,
    command,
    settings,
    style,
    open: (asked) => opening.open({ scope: scopeOf(typed.definition), ...asked }),
    io: streams,
  }
  try {
    const report = await typed.definition.run(invocation)
    return 'result' in report ? await print(report, settings.isJson, streams) : report.exitCode
  } catch (error) {
    if (!(error instanceof CreditError)) throw error
    const { inOwnWords } = await import('./own-words.js')
    throw inOwnWords(error, opening.asked, typed.definition.fields)
  } finally {
    await opening.close()
  }
}

function scopeOf({ scope, isReading }: CommandDefinition): KeyScope {
  return scope ?? (isReading === true ? 'credits:read' : 'admin')
}

async function print(report: Report, isJson: boolean, streams: Streams): Promise<number> {
  if (isJson) await streams.write(`${JSON.stringify(report.isWire === true ? report.result : toWire(report.result), null, 2)}\n`)
  else await streams.write(report.text().map((line) => `${line}\n`).join(''))
  return report.exitCode ?? 0
}

interface Circumstances {
  readonly isJson: boolean
  readonly streams: Streams
}

/** Says why not: words on standard error, with `--json` the body of the refusal on standard output. */
async function refuse(error: unknown, { isJson, streams }: Circumstances): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return 0
  const refusal = error instanceof CommanderError ? usageError(error) : error
  if (!(refusal instanceof CreditError)) {
    streams.note(`mcp-credits: ${refusal instanceof Error ? (refusal.stack ?? refusal.message) : String(refusal)}`)
    return 1
  }
  const [first = '', ...more] = refusal.message.split('\n').map(printable)
  for (const line of [`mcp-credits: ${first}`, ...more.map((line) => `  ${line}`)]) streams.note(line)
  for (const line of refusal.advice) streams.note(`  ${printable(line)}`)
  if (isJson) await streams.write(`${JSON.stringify(refusalBody(refusal), null, 2)}\n`)
  return ERRORS[refusal.code].exit
}

/** Commander's words without its prefix. A group named without a member has printed its help instead. */
function usageError({ code, message }: CommanderError): CreditError {
  const said = code === 'commander.help' ? 'a command is missing' : message.replace(/^error: /, '')
  return new CreditError('invalid_request', said, { advice: ['Commands and options: npx mcp-credits [command] --help'] })
}
