// Vitest, beside the tests: the runner's own steps are wrapped, so that a test's
// beginning is told before its first hook, and its end after its last.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import path from 'node:path'

const here = import.meta.url.startsWith('file:') ? import.meta.url : pathToFileURL(path.join(process.env.FLAKEHUNT_PLUGIN, 'vitest-setup.mjs')).href
const { send, turn, settled, forget, hello, warm, Ids, wants, failure } = createRequire(here)('./channel.cjs')
const project = process.env.FLAKEHUNT_PROJECT || ''

const runners = await import(/* @vite-ignore */ pathToFileURL(path.join(process.env.FLAKEHUNT_VITEST, 'dist', 'runners.js')).href)
const patched = Symbol.for('flakehunt.vitest')
const { vi } = warm ? await part('vitest') : {}
const { startTests } = warm ? await part('@vitest/runner') : {}

// part loads a part of Vitest as Vitest does; {}: this version has none of the name.
async function part(name) {
  try {
    if (name === 'vitest') return await import(/* @vite-ignore */ pathToFileURL(path.join(process.env.FLAKEHUNT_VITEST, 'dist', 'index.js')).href)
    const main = createRequire(pathToFileURL(path.join(process.env.FLAKEHUNT_VITEST, 'package.json'))).resolve(name)
    return await import(/* @vite-ignore */ pathToFileURL(main).href)
  } catch {
    return {}
  }
}

for (const Runner of [runners.VitestTestRunner, runners.TestRunner]) {
  if (Runner && !Object.hasOwn(Runner.prototype, patched)) patch(Runner.prototype)
}

function titlesOf(task) {
  const titles = []
  for (let t = task; t && t.type !== undefined && !('filepath' in t); t = t.suite) if (t.name !== '') titles.unshift(t.name)
  return titles
}

function patch(proto) {
  proto[patched] = true
  const known = new WeakMap()
  const open = new Map() // of this worker: tests that have begun

  const about = (test) => {
    const titles = titlesOf(test)
    const file = (test.file && test.file.filepath) || ''
    return {
      id: known.get(test), titles, file, line: test.location ? test.location.line : 0,
      suite: test.file ? test.file.name : '', classname: test.file ? test.file.name : '', name: titles.join(' > '),
    }
  }

  function collect(suite, ids, file) {
    let left = false
    for (const task of suite.tasks) {
      if (task.type === 'suite') left = collect(task, ids, file) || left
      else {
        known.set(task, ids.of(titlesOf(task), project))
        if (wants(known.get(task), file)) left = true
        else {
          known.delete(task)
          task.mode = 'skip'
        }
      }
    }
    if (!left && suite.tasks.length > 0) suite.mode = 'skip'
    return left
  }

  async function end(test, verdict, more) {
    const a = about(test)
    open.delete(test)
    if (!a.id) return
    known.delete(test)
    await send({ event: 'end', ...a, verdict, ...more })
  }

  // A test that skips itself has no end of its own.
  async function close() {
    for (const test of open.keys()) {
      const state = test.result && test.result.state
      if (test.mode === 'skip' || test.mode === 'todo' || state === 'skip') await end(test, 'skip')
    }
  }

  function wrap(on, name, around) {
    const theirs = on[name]
    on[name] = function (...args) {
      return around(() => (theirs ? theirs.apply(this, args) : undefined), ...args)
    }
  }

  // The worker keeps some of the runner's steps for itself before this file
  // runs: those are wrapped on the runner itself, when its first file begins.
  const { onBeforeRunSuite } = proto
  proto.onBeforeRunSuite = function (suite) {
    if (!Object.hasOwn(this, patched)) {
      this[patched] = true
      wrap(this, 'onAfterRunTask', (theirs, test) => after(theirs, test, this.config || {}))
      if (warm) wrap(this, 'onAfterRunFiles', (theirs, files) => again(this, theirs, files))
    }
    if ('filepath' in suite) collect(suite, new Ids(suite.filepath), suite.filepath)
    return onBeforeRunSuite ? onBeforeRunSuite.call(this, suite) : undefined
  }

  wrap(proto, 'onBeforeRunTask', async (theirs, test) => {
    await close()
    if (known.has(test)) {
      if (test.mode === 'run' || test.mode === 'queued') {
        open.set(test, true)
        await send({ event: 'begin', ...about(test), concurrent: !!test.concurrent, attempt: 1 })
      } else await end(test, test.mode === 'todo' ? 'todo' : 'skip')
    }
    return theirs()
  })

  async function after(theirs, test, config) {
    const r = await theirs()
    if (!known.has(test)) return r
    const result = test.result || {}
    const errors = result.errors || []
    const retries = result.retryCount || 0
    if (retries > 0) for (const [i, e] of errors.slice(0, retries).entries()) await send({ event: 'attempt', ...about(test), attempt: i + 1, verdict: 'fail', ...failure(e) })
    const attempt = retries + 1
    const time = { limit: { of: test.timeout ?? config.testTimeout ?? 0, took: result.duration || 0 } } // Vitest before 3 keeps a test's own limit to itself
    if (result.state === 'fail') await end(test, 'fail', { attempt, ...time, ...failure(errors[errors.length > retries ? retries : errors.length - 1]) })
    else await end(test, result.state === 'skip' ? 'skip' : 'pass', { attempt, ...time })
    return r
  }

  wrap(proto, 'onAfterRunSuite', async (theirs, suite) => {
    await close()
    const result = suite.result || {}
    const errors = result.errors || []
    if (result.state === 'fail' && errors.length > 0) {
      // Tests that its beforeAll kept from running fail with it.
      const left = all(suite).filter((t) => known.has(t))
      for (const test of left) await end(test, 'fail', { hook: 'beforeAll', ...failure(errors[0]) })
      if (left.length === 0 && !('filepath' in suite)) await send({ event: 'error', file: suite.file && suite.file.filepath, titles: titlesOf(suite), hook: 'afterAll', ...failure(errors[0]) })
    } else {
      for (const test of all(suite)) if (known.has(test) && (test.mode === 'skip' || test.mode === 'todo')) await end(test, test.mode)
    }
    return theirs()
  })

  // Turns: the worker runs the file again, with its modules loaded anew, as it
  // would a further file of its list. What goes wrong outside of tests is told by
  // the main process, once the worker is done: it has no further turn here.
  let repeating = false
  async function again(runner, theirs, files) {
    await theirs()
    const { ctx } = globalThis.__vitest_worker__ || {}
    if (repeating || files.length !== 1 || !startTests || !ctx || !ctx.environment || ctx.environment.name !== 'node') return
    repeating = true
    let ran = files
    const clean = () => !astray && ran.length === 1 && !(ran[0].result && ran[0].result.errors && ran[0].result.errors.length > 0)
    while (clean() && (await settled()) && (await turn())) {
      forget()
      vi.resetConfig()
      vi.restoreAllMocks()
      const mocker = globalThis.__vitest_mocker__
      if (mocker && typeof mocker.reset === 'function') mocker.reset()
      vi.resetModules()
      ran = await startTests(ctx.files, runner)
    }
    repeating = false
  }

  let astray = false
  if (warm) for (const e of ['unhandledRejection', 'uncaughtException']) process.on(e, () => (astray = true))

  const all = (suite) => suite.tasks.flatMap((t) => (t.type === 'suite' ? all(t) : [t]))
  hello('vitest')
}
