'use strict'
// Notes which line of the suite's code sent which bytes on a connection of
// node-redis or ioredis, by the connection's local port and the bytes before.
//
// A stack is captured where a command is called for, and made text when the test
// has ended. What is sent, and when, stays as it is, but for a few microseconds.
const net = require('node:net')

const most = 4000 // calls that wait for the end of their test
const depth = 30 // frames of a stack
const account = Symbol('flakehunt.account') // of a socket: its port, and the bytes sent
const patched = Symbol('flakehunt.calls')

const callers = new WeakMap() // command → the holder of its stack
const subscribes = [] // node-redis makes the commands of subscriptions by itself
let encoded = [] // what has been encoded and not written yet: {holder, left}
let calls = [] // [port, bytes before, bytes, holder]

function capture(above) {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = depth
  const holder = {}
  Error.captureStackTrace(holder, above)
  Error.stackTraceLimit = limit
  return holder
}

function called(command, above) {
  if (command !== null && typeof command === 'object' && !callers.has(command)) callers.set(command, capture(above))
}

const size = (chunk, encoding) => (typeof chunk === 'string' ? Buffer.byteLength(chunk, typeof encoding === 'string' ? encoding : 'utf8') : chunk.byteLength || 0)

// wrote notes a command that was made bytes, which are written next.
function wrote(command, bytes) {
  encoded.push({ holder: callers.get(command), left: bytes })
}

function wrap(on, name, make) {
  const theirs = on && on[name]
  if (typeof theirs !== 'function' || theirs[patched]) return
  on[name] = make(theirs)
  on[name][patched] = true
}

wrap(net.Socket.prototype, 'write', (theirs) => function write(chunk, encoding, ...rest) {
  if (chunk !== null && chunk !== undefined) {
    const a = this[account] || (this[account] = { port: 0, sent: 0 })
    let left = size(chunk, encoding)
    if (encoded.length > 0) {
      if (a.port === 0) a.port = this.localPort || 0
      left = share(a, left)
    }
    a.sent += left
  }
  return theirs.call(this, chunk, encoding, ...rest)
})

// share gives bytes that are written to the commands that were encoded, and
// returns those that are of none: then what was encoded was not written.
function share(a, bytes) {
  while (bytes > 0 && encoded.length > 0) {
    const first = encoded[0]
    const n = Math.min(bytes, first.left)
    if (first.holder && a.port && calls.length < most) calls.push([a.port, a.sent, n, first.holder])
    a.sent += n
    bytes -= n
    first.left -= n
    if (first.left === 0) encoded.shift()
  }
  if (bytes > 0) encoded = []
  return bytes
}

// loaded is told of each module of the process: request as its parent wrote it.
function loaded(request, from, exports) {
  if (typeof request !== 'string' || typeof from !== 'string' || exports === null || exports === undefined) return
  const parent = from.replace(/\\/g, '/')
  if (parent.includes('/@redis/client/')) nodeRedis(request, exports)
  else if (parent.includes('/ioredis/built/')) ioredis(request, exports)
}

function nodeRedis(request, exports) {
  if (/(^|\/)commands-queue(\.js)?$/.test(request) && exports.default && exports.default.prototype) {
    wrap(exports.default.prototype, 'addCommand', (theirs) => function addCommand(args, ...rest) {
      called(args, addCommand)
      return theirs.call(this, args, ...rest)
    })
    for (const name of ['subscribe', 'unsubscribe']) {
      wrap(exports.default.prototype, name, (theirs) => function subscription(...args) {
        const holder = capture(subscription)
        const command = theirs.apply(this, args)
        if (command) subscribes.push(holder) // else there is nothing to send
        return command
      })
    }
  } else if (/(^|\/)encoder(\.js)?$/.test(request) && typeof exports.default === 'function') {
    wrap(exports, 'default', (theirs) => function encode(args) {
      const chunks = theirs(args)
      if (!callers.has(args) && Array.isArray(args) && /^[PS]?(UN)?SUBSCRIBE$/i.test(String(args[0])) && subscribes.length > 0) callers.set(args, subscribes.shift())
      let bytes = 0
      for (const c of chunks) bytes += size(c)
      wrote(args, bytes)
      return chunks
    })
  }
}

function ioredis(request, exports) {
  const is = exports.default || exports
  if (/(^|\/)command(\.js)?$/i.test(request)) {
    wrap(is.prototype, 'toWritable', (theirs) => function toWritable(...args) {
      const bytes = theirs.apply(this, args)
      wrote(this, size(bytes))
      return bytes
    })
  } else if (/(^|\/)(redis|pipeline)(\/index)?(\.js)?$/i.test(request)) {
    wrap(is.prototype, 'sendCommand', (theirs) => function sendCommand(command, ...rest) {
      called(command, sendCommand)
      return theirs.call(this, command, ...rest)
    })
  }
}

// place finds the innermost line of the suite's code in a stack.
function place(stack) {
  for (const line of String(stack).split('\n')) {
    const m = /((?:file:\/\/)?\/[^()]*?):(\d+):\d+\)?$/.exec(line)
    if (!m) continue
    const file = m[1].replace(/^file:\/\//, '').replace(/\?.*$/, '')
    if (!file.includes('/node_modules/') && !file.startsWith(__dirname + '/')) return [decodeURI(file), Number(m[2])]
  }
  return null
}

// take gives the event that tells of all calls since the last; null: there are none.
function take() {
  if (calls.length === 0) return null
  const list = calls
  calls = []
  const files = new Map()
  const places = new Map() // by holder: a command may be written in pieces
  const rows = []
  for (const [port, before, bytes, holder] of list) {
    if (!places.has(holder)) places.set(holder, place(holder.stack))
    const at = places.get(holder)
    if (!at) continue
    if (!files.has(at[0])) files.set(at[0], files.size)
    rows.push([port, before, bytes, files.get(at[0]), at[1]])
  }
  return rows.length > 0 ? { event: 'calls', files: [...files.keys()], calls: rows } : null
}

module.exports = { loaded, take }
