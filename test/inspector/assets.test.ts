import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { PAGE, SCRIPT, STYLE } from '../../src/inspector/generated/assets.ts'
import { REPOSITORY } from '../support/source.ts'
import { BUN } from '../support/spawn_server.ts'
import { tempDir } from '../support/temp_dir.ts'

test("the inspector's page in the module is made from its sources", { timeout: 60_000 }, async () => {
  const dir = await tempDir()
  try {
    await promisify(execFile)(BUN, ['scripts/inspector.ts', `${dir.path}/assets.ts`], { cwd: REPOSITORY })
    const made = await readFile(`${dir.path}/assets.ts`, 'utf8')
    const kept = await readFile(`${REPOSITORY}src/inspector/generated/assets.ts`, 'utf8')
    assert.ok(made === kept, 'run bun scripts/inspector.ts')
  } finally {
    await dir.remove()
  }
})

test("the inspector's page asks nobody else, and has nothing that its policy forbids", () => {
  assert.doesNotMatch(PAGE, /<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|src="?https?:|href="?https?:/)
  assert.doesNotMatch(STYLE, /url\(|@import/)
  assert.doesNotMatch(SCRIPT, /\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write/)
  const hosts = new Set(SCRIPT.match(/https?:\/\/[^/"'`]+/g))
  // The name of a namespace, which is not asked for.
  assert.deepEqual([...hosts], ['http://www.w3.org'])
})
