'use strict'
// Mocha: the one test again and again in one process. Each turn loads the suite's
// own modules anew; what lies in node_modules is kept. There is no further turn
// once a connection, a server or a timer is left of the one before.
const fs = require('node:fs')
const path = require('node:path')
const { turn, settled, own, forget } = require('./channel.cjs')

const patched = Symbol.for('flakehunt.mocha.turns')

module.exports = function patch(Mocha) {
  const proto = Mocha.prototype
  if (proto[patched]) return
  proto[patched] = true
  const { run } = proto

  proto.run = function (fn) {
    const { options, files } = this
    if (!repeatable(this)) return run.call(this, fn)
    const over = async (failures) => {
      if (!(await settled()) || !(await turn())) return fn && fn(failures)
      forget()
      const next = new Mocha({ ...options })
      next.files = files.slice()
      next.loadFiles()
      run.call(next, over)
    }
    return run.call(this, over)
  }
}

// repeatable reports whether loading the files again gives what a new process has.
function repeatable({ options, files }) {
  const lists = (o) => Object.values(o || {}).some((v) => [].concat(v || []).length > 0)
  const named = (r) => /^([./\\]|[A-Za-z]:)/.test(String(r)) && own(path.resolve(String(r)))
  return (
    !options.parallel && !options.delay && !lists(options.rootHooks) &&
    !lists([options.globalSetup, options.globalTeardown]) && !(options.require || []).some(named) &&
    files.length > 0 && files.every((f) => required(path.resolve(f)))
  )
}

// required reports whether a file can be loaded by require, and so loaded anew; a
// module that is imported stays as it is.
function required(file) {
  if (/\.[mc][jt]s$/.test(file)) return /\.c[jt]s$/.test(file)
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(dir, 'package.json'), 'utf8')).type !== 'module'
    } catch {
      if (dir === path.dirname(dir)) return true
    }
  }
}
