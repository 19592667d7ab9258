'use strict'
// The way from a test runner to the hunt: a Unix socket, one JSON object a
// line, each answered by "ok". See package marks.
const net = require('node:net')
const fs = require('node:fs')
const path = require('node:path')
const calls = require('./calls.cjs')

const address = process.env.FLAKEHUNT_MARKS
const warm = !!process.env.FLAKEHUNT_WARM && !!process.env.FLAKEHUNT_ONLY
const root = real(process.env.FLAKEHUNT_ROOT || process.cwd())
const only = process.env.FLAKEHUNT_ONLY ? JSON.parse(fs.readFileSync(process.env.FLAKEHUNT_ONLY, 'utf8')) : null

let socket = null
let gone = !address
let read = ''
const waiting = []

function lost() {
  gone = true
  for (const done of waiting.splice(0)) if (done) done()
}

function connect() {
  socket = net.createConnection(address)
  socket.setEncoding('utf8')
  socket.on('data', (text) => {
    read += text
    for (let at = read.indexOf('\n'); at >= 0; at = read.indexOf('\n')) {
      const answer = read.slice(0, at).trim()
      read = read.slice(at + 1)
      const done = waiting.shift()
      if (waiting.length === 0) socket.unref()
      if (done) done(answer)
    }
  })
  socket.on('error', lost)
  socket.on('close', lost)
}

// send says one thing, and resolves with the answer once the hunt has taken it.
function send(event) {
  if (gone) return Promise.resolve()
  if (!socket) connect()
  const told = event.event === 'begin' || event.event === 'end' ? calls.take() : null
  if (told) {
    waiting.push(null)
    socket.write(JSON.stringify(told) + '\n')
  }
  socket.ref() // a runner ends when nothing is left to wait for
  const line = JSON.stringify({ worker: process.pid, at: Math.round((performance.timeOrigin + performance.now()) * 1000) * 1000, ...event })
  return new Promise((done) => {
    waiting.push(done)
    socket.write(line + '\n')
  })
}

// turn asks for another turn of the one test, and reports whether there is one.
async function turn() {
  const [ok, ...settings] = String((await send({ event: 'again' })) || '').split(' ')
  if (ok !== 'ok') return false
  for (const s of settings) process.env[s.slice(0, s.indexOf('='))] = s.slice(s.indexOf('=') + 1)
  return true
}

// What may stay open after a turn: the process's own ends.
const quiet = new Set(['PipeWrap', 'TTYWrap', 'SignalWrap', 'MessagePort', 'FSEventWrap'])
const closing = 100 // ms that a connection has to close
const settling = 250 // ms that timers have to end, the runner's own among them
const later = setTimeout // a test's fake timers may replace it

// open lists what keeps the process alive; null where Node can't tell, before 17.
function open() {
  if (typeof process.getActiveResourcesInfo !== 'function') return null
  return process.getActiveResourcesInfo().filter((r) => !quiet.has(r))
}

// settled waits for what a turn has left to end, all but what was open before it,
// and reports whether it did.
async function settled(before = []) {
  const start = performance.now()
  for (;;) {
    const left = open()
    if (!left || !before) return false
    for (const r of before) if (left.includes(r)) left.splice(left.indexOf(r), 1)
    if (left.length === 0) return true
    const waited = performance.now() - start
    if (waited > settling || (waited > closing && left.some((r) => r !== 'Timeout'))) return false
    await new Promise((r) => later(r, 2))
  }
}

// own reports whether a module is the suite's: not a dependency's, and none of ours.
const own = (file) => !file.split(path.sep).includes('node_modules') && !file.startsWith(__dirname + path.sep)

// forget has the suite's own modules loaded anew when they are next required.
function forget() {
  for (const file of Object.keys(require.cache)) if (own(file)) delete require.cache[file]
}

const greeted = new Set()

// hello says once a process which runner speaks.
function hello(runner, version) {
  if (greeted.has(runner)) return Promise.resolve()
  greeted.add(runner)
  return send({ event: 'hello', runner, version })
}

function real(file) {
  try {
    return fs.realpathSync(file)
  } catch {
    return path.resolve(file)
  }
}

// relative names a file as the hunt's names do.
function relative(file) {
  const rel = path.relative(root, real(file))
  return (rel.startsWith('..') ? real(file) : rel).split(path.sep).join('/')
}

const tidy = (title) => String(title).replace(/\s+/g, ' ').trim()

// ids gives each test of a file a name of its own: where titles are the same,
// the second is "… (2)", in the order in which they are asked for.
class Ids {
  constructor(file) {
    this.file = relative(file)
    this.taken = new Map()
  }
  of(titles, project) {
    const name = [project ? `[${project}] ${this.file}` : this.file, ...titles.map(tidy)].join(' > ')
    const n = (this.taken.get(name) || 0) + 1
    this.taken.set(name, n)
    return n > 1 ? `${name} (${n})` : name
  }
}

// wants reports whether a test is to run: its name or its file's was asked for.
const wants = (id, file) => !only || only.includes(id) || only.includes(relative(file))

// wantsFile reports whether a test of the file is to run.
const wantsFile = (file) => {
  if (!only) return true
  const rel = relative(file)
  return only.some((id) => id === rel || id.startsWith(rel + ' > ') || (id.startsWith('[') && id.includes(`] ${rel} > `)))
}

// failure describes an error of any kind.
function failure(err) {
  if (err === null || err === undefined) return { kind: 'error', message: 'it failed without a reason' }
  if (typeof err !== 'object' && typeof err !== 'function') return { kind: 'error', message: String(err) }
  let cause = err
  if (err.code === 'ERR_TEST_FAILURE' && err.cause && typeof err.cause === 'object') cause = err.cause
  let message = cause.message
  if (typeof message !== 'string' || message === '') message = String(cause.stack || cause.name || cause)
  const name = cause.name || ''
  let kind = 'error'
  if (/AssertionError/.test(name) || cause.code === 'ERR_ASSERTION' || cause.matcherResult || /^\s*(\x1b\[[\d;]*m)*expect(\x1b\[[\d;]*m)*\(/.test(message)) kind = 'assertion'
  if (cause.code === 'ERR_MOCHA_TIMEOUT' || err.failureType === 'testTimeoutFailure') kind = 'timeout'
  if (kind === 'error' && name && name !== 'Error' && !message.startsWith(name)) message = `${name}: ${message}`
  return { kind, message: message.slice(0, 8000), stack: String(cause.stack || cause.stackStr || '').slice(0, 16000) }
}

module.exports = { send, turn, open, settled, own, forget, hello, relative, Ids, wants, wantsFile, failure, only, warm, root }
