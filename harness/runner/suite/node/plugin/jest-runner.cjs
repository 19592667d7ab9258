'use strict'
// Jest: wraps jest-circus, whose events are awaited before it goes on.
const { createRequire } = require('node:module')
const path = require('node:path')
const { send, hello, Ids, wants, wantsFile, failure } = require('./channel.cjs')
const calls = require('./calls.cjs')

function inner(rootDir) {
  const from = createRequire(path.join(rootDir, 'package.json'))
  const name = process.env.FLAKEHUNT_JEST_RUNNER || 'jest-circus/runner'
  const places = [from]
  for (const via of ['jest', '@jest/core', 'jest-cli', 'jest-runner', 'jest-config']) {
    for (const p of [...places]) {
      try {
        places.push(createRequire(p.resolve(via)))
      } catch {}
    }
  }
  for (const p of [...places, require]) {
    try {
      const m = p(name)
      return m.default || m
    } catch (err) {
      if (err.code !== 'MODULE_NOT_FOUND' && err.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw err
    }
  }
  throw new Error(`flakehunt: ${name} cannot be found from ${rootDir}`)
}

function titlesOf(test) {
  const titles = []
  for (let t = test; t && t.name !== 'ROOT_DESCRIBE_BLOCK'; t = t.parent) titles.unshift(t.name)
  return titles
}

const message = (errors) => failure([].concat(errors[0])[0] || [].concat(errors[0])[1])

module.exports = async function (globalConfig, config, environment, runtime, testPath, ...rest) {
  hello('jest')
  const project = config.displayName && config.displayName.name
  // lineOf finds where a test is declared: circus keeps an error from there.
  const lineOf = (test) => {
    const at = test.asyncError && String(test.asyncError.stack).split('\n').find((l) => l.includes(testPath))
    const m = at && /:(\d+):\d+\)?$/.exec(at)
    return m ? Number(m[1]) : 0
  }
  const known = new Map()
  const ids = new Ids(testPath)
  const about = (test) => {
    const titles = titlesOf(test)
    const name = titles.join(' ')
    return { id: known.get(test), titles, file: testPath, line: lineOf(test), suite: titles[0] || name, classname: name, name }
  }
  const begun = new Set()
  const ended = new Set()
  const end = (test, verdict, more) => {
    if (ended.has(test)) return
    ended.add(test)
    return send({ event: 'end', ...about(test), verdict, ...more })
  }
  const collect = (block) => {
    let left = false
    for (const child of block.children || []) {
      if (child.type === 'describeBlock') left = collect(child) || left
      else {
        known.set(child, ids.of(titlesOf(child), project))
        if (wants(known.get(child), testPath)) left = true
        else {
          child.mode = 'skip'
          ended.add(child)
        }
      }
    }
    if (!left && block.parent) block.mode = 'skip'
    return left
  }
  const tests = (block) => (block.children || []).flatMap((c) => (c.type === 'describeBlock' ? tests(c) : [c]))

  const begin = (test) => {
    if (begun.has(test)) return
    begun.add(test)
    return send({ event: 'begin', ...about(test), concurrent: !!test.concurrent, attempt: test.invocations || 1 })
  }

  const on = async (event, state) => {
    const { name, test } = event
    switch (name) {
      case 'test_skip':
        return end(test, 'skip')
      case 'test_todo':
        return end(test, 'todo')
      case 'test_started':
        return begin(test)
      case 'hook_start':
      case 'test_fn_start': // Jest before 28 says nothing earlier
        return state.currentlyRunningTest && begin(state.currentlyRunningTest)
      case 'test_done': {
        await begin(test)
        begun.delete(test) // it may be run again
        const time = { limit: { of: test.timeout || state.testTimeout || 0, took: test.duration || 0 } }
        if (test.errors.length === 0) return end(test, 'pass', { attempt: test.invocations, ...time })
        const retries = parseInt(environment.global[Symbol.for('RETRY_TIMES')], 10) || 0
        const fault = message(test.errors)
        if ((test.invocations || 1) <= retries) {
          return send({ event: 'attempt', ...about(test), attempt: test.invocations, verdict: 'fail', ...fault })
        }
        return end(test, 'fail', { attempt: test.invocations, ...time, ...fault })
      }
      case 'hook_failure':
        if (event.test || !event.describeBlock) return
        if (event.hook.type === 'afterAll') {
          return send({ event: 'error', file: testPath, titles: titlesOf(event.describeBlock), hook: 'afterAll', ...failure([].concat(event.error)[0]) })
        }
        return
      case 'error':
        return send({ event: 'error', file: testPath, ...failure([].concat(event.error)[0]) })
    }
  }
  const theirs = environment.handleTestEvent && environment.handleTestEvent.bind(environment)
  environment.handleTestEvent = async (event, state) => {
    if (event.name === 'run_start') collect(state.rootDescribeBlock)
    // Before theirs for a beginning, after it for an end: what they send is the test's.
    const first = event.name !== 'test_done'
    if (first) await on(event, state)
    if (theirs) await theirs(event, state)
    if (!first) await on(event, state)
    if (event.name === 'run_finish') {
      for (const test of tests(state.rootDescribeBlock)) {
        if (begun.has(test) && !ended.has(test)) await end(test, 'fail', message(test.errors.length ? test.errors : [new Error('it did not end')]))
      }
    }
  }
  if (!wantsFile(testPath)) {
    return { ...skipped(testPath) }
  }
  // Jest loads the suite's modules itself.
  const load = runtime.requireModuleOrMock
  if (typeof load === 'function') {
    runtime.requireModuleOrMock = function (from, request) {
      const loaded = load.apply(this, arguments)
      calls.loaded(request, from, loaded)
      return loaded
    }
  }
  try {
    return await inner(config.rootDir)(globalConfig, config, environment, runtime, testPath, ...rest)
  } catch (err) {
    await send({ event: 'error', file: testPath, ...failure(err) })
    throw err
  }
}

// skipped is the result of a file that nobody asked for.
function skipped(testFilePath) {
  return {
    leaks: false, numFailingTests: 0, numPassingTests: 0, numPendingTests: 0, numTodoTests: 0, openHandles: [],
    perfStats: { end: 0, runtime: 0, slow: false, start: 0, loadTestEnvironmentStart: 0, loadTestEnvironmentEnd: 0, setupFilesStart: 0, setupFilesEnd: 0, setupAfterEnvStart: 0, setupAfterEnvEnd: 0 },
    skipped: true, snapshot: { added: 0, fileDeleted: false, matched: 0, unchecked: 0, uncheckedKeys: [], unmatched: 0, updated: 0 },
    testFilePath, testResults: [], failureMessage: null,
  }
}
