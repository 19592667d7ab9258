'use strict'
// Jest: the one test again and again in one process. Jest loads each file, and all
// that it imports, into a context of its own, and so it does in each turn. There is
// no further turn once a connection, a server or a timer is left of the one before.
const { createRequire } = require('node:module')
const { turn, open, settled } = require('./channel.cjs')

// theirs is Jest's own runner, found from where Jest was started.
function theirs() {
  const places = [createRequire(require('node:fs').realpathSync(process.argv[1]))]
  for (const via of ['jest', 'jest-cli', '@jest/core', 'jest-runner']) {
    for (const p of [...places]) {
      try {
        if (via === 'jest-runner') return p(via).default || p(via)
        places.push(createRequire(p.resolve(via)))
      } catch {}
    }
  }
  throw new Error('flakehunt: jest-runner cannot be found')
}

const Runner = theirs()

module.exports = class TurningRunner extends Runner {
  // Since Jest 28 the options are the third argument; before, the sixth.
  async runTests(tests, watcher, ...rest) {
    if (tests.length !== 1) return super.runTests(tests, watcher, ...rest)
    rest[rest.length - 1] = { ...rest[rest.length - 1], serial: true }
    const own = open() // Jest's reporters keep timers
    do {
      await super.runTests(tests, watcher, ...rest)
    } while (!watcher.isInterrupted() && (await settled(own)) && (await turn()))
  }
}
