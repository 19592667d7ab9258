'use strict'
// Loaded into each process of Node under a hunt (NODE_OPTIONS=--require). It
// finds out which test runner the process is, and hands it what it needs.
const Module = require('node:module')
const path = require('node:path')
const fs = require('node:fs')
const { isMainThread } = require('node:worker_threads')

const watched = !!process.env.FLAKEHUNT_MARKS
const calls = watched && require('./calls.cjs')
const repeats = isMainThread && process.env.FLAKEHUNT_WARM && process.env.FLAKEHUNT_ONLY
const script = real(process.argv[1] || '').split(path.sep).join('/')

function real(file) {
  try {
    return fs.realpathSync(file)
  } catch {
    return file
  }
}

// add puts arguments where the runner sees them as options.
function add(...args) {
  const end = process.argv.indexOf('--', 2)
  process.argv.splice(end < 0 ? process.argv.length : end, 0, ...args)
}

if (isMainThread && /\/node_modules\/vitest\/(vitest\.mjs|dist\/cli\.(js|mjs))$/.test(script)) {
  add('--reporter=default', '--reporter=' + path.join(__dirname, 'vitest-reporter.mjs'))
} else if (isMainThread && /\/node_modules\/(jest|jest-cli)\/bin\/jest\.js$/.test(script)) {
  const runner = process.argv.slice(2).map((a, i, all) => (/^--testRunner(=|$)/.test(a) ? a.split('=')[1] || all[i + 1] : '')).find(Boolean)
  if (runner) process.env.FLAKEHUNT_JEST_RUNNER = runner
  add('--testRunner=' + path.join(__dirname, 'jest-runner.cjs'), '--reporters=default')
  process.env.FLAKEHUNT_JEST = require(path.join(path.dirname(path.dirname(script)), 'package.json')).version.split('.')[0]
  if (process.env.FLAKEHUNT_ONLY && !process.argv.some((a) => a.startsWith('--filter'))) add('--filter=' + path.join(__dirname, 'jest-filter.cjs'))
  if (repeats && !process.argv.some((a) => /^--runner(=|$)/.test(a))) add('--runner=' + path.join(__dirname, 'jest-turns.cjs'))
  if (!process.argv.some((a) => a.startsWith('--cacheDirectory'))) add('--cacheDirectory=' + path.join(__dirname, 'jest-cache'))
}

// Clients of Redis and Mocha's runner are patched wherever they are loaded: also
// in the processes of --parallel, and in programs that use Mocha.
const load = Module._load
Module._load = function (request, from) {
  const loaded = load.apply(this, arguments)
  if (watched && from) calls.loaded(request, from.filename, loaded)
  if (typeof request === 'string' && /(^|[\\/])runner(\.js|\.cjs)?$/.test(request)) {
    const Runner = typeof loaded === 'function' ? loaded : loaded && loaded.Runner // before Mocha 12, and since
    if (typeof Runner === 'function' && Runner.prototype && Runner.prototype.hookDown) require('./mocha.cjs')(Runner)
  } else if (repeats && typeof request === 'string' && /(^|[\\/])mocha(\.js|\.cjs)?$/.test(request)) {
    const Mocha = typeof loaded === 'function' ? loaded : loaded && loaded.Mocha
    if (typeof Mocha === 'function' && Mocha.prototype && Mocha.prototype.loadFiles) require('./mocha-turns.cjs')(Mocha)
  }
  return loaded
}

if (isMainThread && (process.env.NODE_TEST_CONTEXT || process.execArgv.some((a) => /^--(experimental-)?test-isolation=none$/.test(a)))) {
  require('./nodetest.cjs')
}
