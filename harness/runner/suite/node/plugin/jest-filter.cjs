'use strict'
// Jest: only files in which a test was asked for are loaded. Before version 30
// it wants objects, since then strings.
const { wantsFile } = require('./channel.cjs')

module.exports = (files) => {
  const wanted = files.filter(wantsFile)
  return { filtered: Number(process.env.FLAKEHUNT_JEST) >= 30 ? wanted : wanted.map((test) => ({ test })) }
}
