'use strict'
// Mocha: each test's beginning is told before its first beforeEach, its end
// after its last afterEach.
const { send, hello, Ids, wants, failure } = require('./channel.cjs')

const patched = Symbol.for('flakehunt.mocha')

module.exports = function patch(Runner) {
  const proto = Runner.prototype
  if (proto[patched]) return
  proto[patched] = true

  const { hookDown, hookUp, run } = proto
  const state = new WeakMap() // test → what is known of it
  const first = (test) => (typeof test.retriedTest === 'function' && test.retriedTest()) || test

  function about(test) {
    const s = state.get(first(test))
    if (!s) return null
    const titles = test.titlePath()
    return {
      id: s.id, titles, file: test.file, suite: titles.slice(0, -1).join(' ') || 'Root Suite',
      classname: test.title, name: test.fullTitle(),
    }
  }

  // collect names all tests, and takes away those that nobody asked for.
  function collect(suite, ids) {
    suite.tests = suite.tests.filter((test) => {
      const file = test.file || suite.file || ''
      if (!ids.has(file)) ids.set(file, new Ids(file))
      const id = ids.get(file).of(test.titlePath())
      state.set(test, { id, begun: false, ended: false })
      return wants(id, file)
    })
    for (const s of suite.suites) collect(s, ids)
  }

  const all = (suite) => suite.tests.concat(...suite.suites.map(all))

  proto.run = function (fn, opts) {
    collect(this.suite, new Map())
    this.total = this.grepTotal(this.suite)
    hello('mocha', version())
    const faults = new Map()
    this.on('fail', (runnable, err) => {
      if (runnable.type !== 'hook') {
        faults.set(first(runnable), failure(err))
        return
      }
      const fault = { ...failure(err), hook: runnable.title }
      const current = runnable.ctx && runnable.ctx.currentTest
      if (/each" hook/.test(runnable.title) && current) {
        faults.set(first(current), fault)
        return
      }
      // "before all" fails the tests below it; "after all" has ended ones only.
      const left = /"before all"/.test(runnable.title) ? all(runnable.parent).filter((t) => state.get(t) && !state.get(t).begun) : []
      for (const t of left) tellEnd(t, 'fail', fault)
      if (left.length === 0) {
        send({ event: 'error', file: runnable.file || (runnable.parent && runnable.parent.file), titles: runnable.parent ? runnable.parent.titlePath() : [], ...fault })
      }
    })
    this.on('retry', (test, err) => {
      const s = state.get(first(test))
      if (s) s.fault = failure(err)
    })
    this.on('pending', (test) => {
      const s = state.get(first(test))
      if (s && !s.begun) tellEnd(test, 'skip')
    })
    this._flakehunt = faults
    return run.call(this, fn, opts)
  }

  function tellEnd(test, verdict, fault) {
    const s = state.get(first(test))
    const a = about(test)
    if (!s || !a || s.ended) return Promise.resolve()
    s.begun = s.ended = true
    return send({ event: 'end', ...a, verdict, ...fault })
  }

  proto.hookDown = function (name, fn) {
    const test = this.test
    const s = name === 'beforeEach' && test && state.get(first(test))
    if (!s) return hookDown.call(this, name, fn)
    s.begun = true
    s.attempt = (test.currentRetry ? test.currentRetry() : 0) + 1
    send({ event: 'begin', ...about(test), attempt: s.attempt }).then(() => hookDown.call(this, name, fn))
  }

  proto.hookUp = function (name, fn) {
    const test = this.test
    const s = name === 'afterEach' && test && state.get(first(test))
    if (!s) return hookUp.call(this, name, fn)
    const runner = this
    hookUp.call(this, name, function (...args) {
      const a = about(test)
      if (args[0]) { // an afterEach failed: those further out still run
        s.hook = true
        return fn(...args)
      }
      if (s.ended) return fn(...args)
      const fault = runner._flakehunt && runner._flakehunt.get(first(test))
      const retried = !fault && test.state !== 'passed' && !test.pending && test.state !== 'pending'
      const time = { limit: { of: limitOf(test), took: test.duration || 0 } }
      let event
      if (retried) event = { event: 'attempt', ...a, attempt: s.attempt, verdict: 'fail', ...s.fault }
      else if (fault) event = { event: 'end', ...a, attempt: s.attempt, verdict: 'fail', ...time, ...fault }
      else event = { event: 'end', ...a, attempt: s.attempt, ...time, verdict: test.pending || test.state === 'pending' ? 'skip' : 'pass' }
      s.ended = !retried
      send(event).then(() => fn(...args))
    })
  }

  // limitOf is the time in ms after which Mocha ends a test; 0: none.
  function limitOf(test) {
    if (typeof test.timeout !== 'function' || (typeof test.enableTimeouts === 'function' && !test.enableTimeouts())) return 0
    return Number(test.timeout()) || 0
  }

  function version() {
    try {
      return require(require.resolve('mocha/package.json', { paths: [process.cwd()] })).version
    } catch {
      return ''
    }
  }
}
