// Plays the scenarios of ../.. with npm's redis and writes what it saw as JSON.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { RESP_TYPES, createClient } from 'redis'

const settings = JSON.parse(process.argv[2])
const socket = { host: settings.host, port: Number(settings.port), connectTimeout: 60000 }
if (settings.ca) Object.assign(socket, { tls: true, ca: readFileSync(settings.ca) })

const clients = []
async function connect() {
  // In RESP3 this client gives XREAD's reply as it came, and wants to be told that one knows.
  const client = createClient({ socket, RESP: settings.protocol, unstableResp3: settings.protocol === 3 })
  client.on('error', (err) => {
    console.error(err)
    process.exit(1)
  })
  await client.connect()
  clients.push(client)
  return client
}

const c = await connect()
const or = (v) => v ?? '(nil)'

async function kv() {
  const words = [await c.set('k', 'v1'), await c.get('k'), or(await c.get('missing')), await c.del('k')]
  return words.join(' ')
}

async function pipeline() {
  // Commands of one turn of the event loop are pipelined.
  const replies = await Promise.all(Array.from({ length: settings.pipelined }, () => c.incr('n')))
  replies.forEach((v, i) => {
    if (v !== i + 1) throw new Error(`reply ${i} is ${v}`)
  })
  return `${replies.length} replies in order, then ${await c.get('n')}`
}

async function pubsub() {
  const sub = await connect()
  const got = {}
  let all
  const complete = new Promise((resolve) => (all = resolve))
  const note = (kind, text) => {
    got[kind] = text
    if (Object.keys(got).length === 3) all()
  }
  await sub.subscribe('news', (message, channel) => note('news', `${channel}=${message}`))
  await sub.pSubscribe('pt:*', (message, channel) => note('pattern', `pt:*/${channel}=${message}`))
  await sub.sSubscribe('shard', (message, channel) => note('shard', `${channel}=${message}`))
  const counts = [await c.publish('news', 'hello'), await c.publish('pt:1', 'hi'), await c.sPublish('shard', 'deep')]
  await complete
  await sub.unsubscribe('news')
  await sub.pUnsubscribe('pt:*')
  await sub.sUnsubscribe('shard')
  return [...counts, got.news, got.pattern, got.shard].join(' ')
}

async function multi() {
  return (await c.multi().set('m', '1').incr('m').get('m').exec()).join(' ')
}

async function lua() {
  const call = (...args) => ({ keys: ['lua:k'], arguments: args })
  const first = await c.eval(settings.script, call('x'))
  const unknown = await c.evalSha(settings.noScript, call('x')).catch((err) => err.message.split(' ')[0])
  const sha = createHash('sha1').update(settings.script).digest('hex')
  const second = await c.evalSha(sha, call('y'))
  return [first.join(' '), unknown, second.join(' '), await c.get('lua:k')].join(' | ')
}

async function streams() {
  const entries = (reply) => {
    if (reply === null) return '(nil)'
    if (settings.protocol === 3) return reply.s.flat(2).join(' ')
    return reply[0].messages.flatMap((m) => [m.id, 'f', m.message.f]).join(' ')
  }
  const out = [await c.xAdd('s', '1-1', { f: 'v' }), entries(await c.xRead({ key: 's', id: '0' }))]
  const blocked = (await connect()).xRead({ key: 's', id: '$' }, { BLOCK: 30000 })
  while (!(await c.info('clients')).includes('blocked_clients:1\r\n')) continue
  await c.xAdd('s', '2-1', { f: 'w' })
  out.push(entries(await blocked))
  out.push(await c.xGroupCreate('s', 'g', '0'))
  out.push(entries(await c.xReadGroup('g', 'c', { key: 's', id: '>' })))
  out.push(await c.xAck('s', 'g', ['1-1', '2-1']))
  out.push(entries(await c.xRead({ key: 's', id: '$' }, { BLOCK: 10 })))
  return out.join(' | ')
}

async function big() {
  await c.set('big', readFileSync(settings.big))
  const value = await c.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('big')
  return `${value.length} ${createHash('sha256').update(value).digest('hex')}`
}

const transcript = {}
for (const scenario of [kv, pipeline, pubsub, multi, lua, streams, big]) {
  transcript[scenario.name] = await scenario()
}
for (const client of clients) await client.close()
console.log(JSON.stringify(transcript))
