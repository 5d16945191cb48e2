import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { ACCOUNTS, formOf } from './form.mjs'

export const REDIS = 'Redis, synced always'

const START_TRIES = 200
const START_PAUSE_MS = 25

/** A guarded debit with a history, one script that Redis runs without a gap. */
const DEBIT = `if tonumber(redis.call('get', KEYS[1])) < 1 then return redis.error_reply('out of credits') end
redis.call('xadd', KEYS[2], '*', 'amount', 1)
return redis.call('decrby', KEYS[1], 1)`
const DIGEST = createHash('sha1').update(DEBIT).digest('hex')

/**
 * A server that syncs its log before it answers, asked over a Unix socket by one connection that does not wait for an
 * answer before it asks again.
 *
 * @param {string} folder
 */
export async function redisForm(folder) {
  const socketFile = `${folder}/redis.sock`
  const place = ['--port', '0', '--unixsocket', socketFile, '--dir', folder]
  const durability = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
  const server = spawn('redis-server', [...place, ...durability], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(server, 'spawn')
  // Whatever ends this process ends the server: one that is left behind would hold a folder that is gone.
  const end = () => void server.kill('SIGTERM')
  process.once('exit', end)
  const client = await connected(socketFile)
  await Promise.all(Array.from({ length: ACCOUNTS }, (_, account) => client.ask(['SET', `balance:${account}`, '1000000000'])))
  await client.ask(['EVAL', DEBIT, '2', 'balance:0', 'debits:0'])
  return formOf(REDIS, (account) => client.ask(['EVALSHA', DIGEST, '2', `balance:${account}`, `debits:${account}`]), async () => {
    process.off('exit', end)
    client.end()
    end()
    if (server.exitCode === null) await once(server, 'exit')
  })
}

/** @param {string} socketFile */
async function connected(socketFile) {
  for (let tries = 1; ; tries += 1) {
    try {
      const socket = createConnection(socketFile)
      await once(socket, 'connect')
      return clientOf(socket)
    } catch (error) {
      if (tries >= START_TRIES) throw error
      await pause(START_PAUSE_MS)
    }
  }
}

/**
 * As much of the protocol as is needed: every command that is sent here is answered by one line.
 *
 * @param {import('node:net').Socket} socket
 */
function clientOf(socket) {
  /** @type {((line: string) => void)[]} */
  let waiting = []
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\r\n')
    rest = lines.pop() ?? ''
    const answered = waiting.slice(0, lines.length)
    waiting = waiting.slice(lines.length)
    for (const [index, take] of answered.entries()) take(lines[index] ?? '')
  })
  return {
    /** @param {readonly string[]} command @returns {Promise<string>} */
    ask: (command) =>
      new Promise((resolve, reject) => {
        waiting.push((line) => (line.startsWith('-') ? reject(new Error(`Redis: ${line.slice(1)}`)) : resolve(line)))
        socket.write(`*${command.length}\r\n${command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
      }),
    end: () => void socket.end(),
  }
}
