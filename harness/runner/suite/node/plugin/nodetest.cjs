'use strict'
// node --test: the class of its tests is reached through a hook, and its run
// and postRun are wrapped.
const asyncHooks = require('node:async_hooks')
const { send, hello, Ids, wants, wantsFile, failure } = require('./channel.cjs')

const entry = process.env.NODE_TEST_CONTEXT ? process.argv[1] : ''
if (entry && !wantsFile(entry)) process.exit(0)

function testClass() {
  let found = null
  const hook = asyncHooks.createHook({
    init(id, type, trigger, resource) {
      for (let p = resource; p && !found; p = Object.getPrototypeOf(p)) {
        if (p.constructor && p.constructor.name === 'Test' && Object.hasOwn(p, 'run') && Object.hasOwn(p, 'postRun')) found = p
      }
    },
  })
  const test = require('node:test')
  hook.enable()
  try {
    test.afterEach(() => {})
  } finally {
    hook.disable()
  }
  return found
}

const proto = testClass()
if (!proto) {
  send({ event: 'error', message: `flakehunt knows no way into the test runner of Node ${process.version}: hunt with --junit and --one-test` })
} else patch(proto)

function patch(proto) {
  hello('node --test', process.versions.node)
  const { run, postRun } = proto
  const ids = new Map()
  const state = new WeakMap()
  const isTest = (t) => t.constructor && t.constructor.name === 'Test' && t.parent !== null && t.parent !== undefined

  function titlesOf(test) {
    const titles = []
    for (let t = test; t && t.parent; t = t.parent) titles.unshift(t.name)
    return titles
  }

  function about(test) {
    const s = state.get(test)
    const loc = test.loc || {}
    const file = s.file
    const titles = titlesOf(test)
    return { id: s.id, titles, file, line: loc.line || 0, suite: titles.length > 1 ? titles[0] : '', classname: 'test', name: test.name }
  }

  function name(test) {
    const file = entry || (test.loc && test.loc.file) || process.argv[1] || ''
    if (!ids.has(file)) ids.set(file, new Ids(file))
    const s = { file, id: ids.get(file).of(titlesOf(test)), begun: false, ended: false, inner: 0 }
    state.set(test, s)
    return s
  }

  // wanted: it, or one above or below it, was asked for.
  function wanted(test, s) {
    if (wants(s.id, s.file)) return true
    const { only } = require('./channel.cjs')
    return only.some((id) => id.startsWith(s.id + ' > ') || s.id.startsWith(id + ' > '))
  }

  proto.run = async function () {
    if (!isTest(this)) return run.apply(this, arguments)
    const s = name(this)
    const above = state.get(this.parent)
    if (above) above.inner++
    if (!wanted(this, s)) {
      s.ended = true
      this.fn = () => {}
      if (!this.skipped) this.skip('not asked for')
      return run.apply(this, arguments)
    }
    if (this.skipped) return run.apply(this, arguments)
    s.begun = true
    this.parent.activeSubtests++ // it runs already, for those who count
    await send({ event: 'begin', ...about(this), attempt: 1 })
    this.parent.activeSubtests--
    const r = await run.apply(this, arguments)
    await s.after
    return r
  }

  // suiteEnd tells of a suite's own failure: its before hook's fails the tests
  // that it kept from running, its after hook's the last that ran.
  function suiteEnd(suite) {
    const err = suite.error
    if (!err || err.failureType === 'subtestsFailed' || err.failureType === 'cancelledByParent') return
    let left = 0
    for (const test of tests(suite)) {
      const s = state.get(test) || name(test)
      if (s.begun || s.ended || test.skipped || !wanted(test, s)) continue
      s.ended = true
      left++
      send({ event: 'end', ...about(test), verdict: 'fail', hook: 'before', ...failure(err) })
    }
    const above = []
    for (let t = suite; t && t.parent; t = t.parent) above.unshift(t.name)
    if (left === 0) send({ event: 'error', file: entry || (suite.loc && suite.loc.file), titles: above, hook: 'after', ...failure(err) })
  }

  const tests = (suite) => suite.subtests.flatMap((t) => (isTest(t) ? [t] : tests(t)))

  proto.postRun = function (...args) {
    if (this.constructor && this.constructor.name === 'Suite') suiteEnd(this)
    const s = isTest(this) && (state.get(this) || (args[0] ? name(this) : null))
    if (!s || s.ended) return postRun.apply(this, args)
    s.ended = true
    const event = { event: 'end', ...about(this), attempt: 1, ...verdict(this, s, args[0]) }
    if (args[0] || !s.begun) {
      send(event)
      return postRun.apply(this, args)
    }
    s.after = send(event).then(() => postRun.apply(this, args))
  }

  function verdict(test, s, pending) {
    if (test.isTodo) return { verdict: 'todo' }
    if (test.skipped) return { verdict: 'skip' }
    const err = test.error || pending
    if (err) return { verdict: 'fail', ...failure(err) }
    const failing = (test.subtests || []).filter((t) => t.error && !t.isTodo)
    if (s.inner > 0 && failing.length > 0) return { verdict: 'container' }
    return { verdict: s.inner > 0 ? 'container' : 'pass' }
  }
}
