#!/usr/bin/env node
import { homedir } from 'node:os'
import { keepCompiledCode } from '../src/cli/compile-cache.js'

keepCompiledCode({ env: process.env, platform: process.platform, home: homedir() })
// Only what is loaded from here on is kept compiled.
const { main } = await import('../src/cli/main.js')
process.exitCode = await main(process.argv.slice(2))
