// Vitest: a reporter, since it is asked before anything runs. It adds a setup
// file, which runs beside the tests, and leaves one file where one was asked for.
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import path from 'node:path'

const require = createRequire(import.meta.url)
const { send, turn, hello, warm, only, root, failure, wantsFile } = require('./channel.cjs')
const setup = fileURLToPath(new URL('./vitest-setup.mjs', import.meta.url))

const escape = (file) => file.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')

// files are those of the tests that were asked for.
function files() {
  return [...new Set(only.map((id) => id.replace(/^\[[^\]]*\] /, '').split(' > ')[0]))].map((f) => path.resolve(root, f))
}

export default class FlakehuntReporter {
  onInit(vitest) {
    hello('vitest', vitest.version)
    process.env.FLAKEHUNT_VITEST = vitestDir(vitest)
    const projects = vitest.projects || vitest.workspaceProjects || []
    const configs = [...new Set([vitest.config, ...projects.map((p) => p.config)])]
    if (warm) this.repeat(vitest, configs)
    for (const config of configs) {
      if (!config) continue
      if (!config.setupFiles.includes(setup)) config.setupFiles.unshift(setup)
      config.includeTaskLocation = true
      if (only) {
        const dir = config.dir || config.root
        const include = files().map((f) => escape(path.relative(dir, f).split(path.sep).join('/')))
        if (config.includeSource && config.includeSource.length) config.includeSource = include
        config.include = include
        if (config.passWithNoTests === undefined) config.passWithNoTests = false
      }
      config.env = { ...config.env, FLAKEHUNT_VITEST: process.env.FLAKEHUNT_VITEST, FLAKEHUNT_PROJECT: projectName(config, projects) }
    }
  }

  // Turns: Vitest's main process stays, and each turn has a worker of its own, as
  // its files have by default.
  repeat(vitest, configs) {
    const { runFiles } = vitest
    const fresh = (c) => c && !['vmThreads', 'browser', 'typescript'].includes(c.pool) && c.isolate !== false && !(c.browser && c.browser.enabled) &&
      !Object.values(c.poolOptions || {}).some((o) => o && o.isolate === false) && ![].concat(c.globalSetup || []).length
    if (typeof runFiles !== 'function' || !configs.every(fresh)) return
    vitest.runFiles = async (...args) => {
      let ran = await runFiles.apply(vitest, args)
      while (await turn()) {
        this.told = false
        ran = await runFiles.apply(vitest, args)
      }
      return ran
    }
  }

  // A file that cannot be loaded has no tests to speak for it.
  onFinished(tasks = [], errors = []) {
    return this.tell(tasks, errors)
  }

  onTestRunEnd(modules = [], errors = []) {
    return this.tell(modules.map((m) => m.task || m), errors)
  }

  async tell(tasks, errors) {
    if (this.told) return
    this.told = true
    for (const file of tasks) {
      const result = file.result
      if (!result || result.state !== 'fail' || !result.errors || result.errors.length === 0 || !wantsFile(file.filepath)) continue
      const loaded = file.tasks && file.tasks.length > 0
      await send({ event: 'error', file: file.filepath, ...(loaded ? { hook: 'of the file' } : {}), ...failure(result.errors[0]) })
    }
    for (const err of errors) await send({ event: 'error', ...failure(err), hook: 'unhandled error' })
  }
}

function projectName(config, projects) {
  return projects.length > 1 && config.name ? String(config.name.label || config.name) : ''
}

function vitestDir(vitest) {
  for (const from of [process.argv[1], path.join(vitest.config.root, 'package.json')]) {
    try {
      return path.dirname(createRequire(from).resolve('vitest/package.json'))
    } catch {}
  }
  return ''
}
