import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Violation } from './checker.ts'
import type { Content } from './database.ts'
import type { Scene } from './scene.ts'
import { progress } from './settings.ts'

/** What a run did. */
export interface Figures {
  readonly rounds: number
  readonly kills: number
  readonly messages: number
  readonly seen: number
  readonly connects: number
  readonly resumes: number
  readonly retries: number
  readonly reordered: number
}

/** A run, as it is named in what it tells. */
export interface Run {
  readonly name: string
  readonly seed: number
  readonly scene: Scene
}

export interface Ending extends Run {
  readonly rounds: number
  readonly kills: number
  readonly content: Content
  /** Whether each publisher's order must have been kept. */
  readonly ordered: boolean
}

/** @throws with the first violations and where all records are, if there are any. */
export async function assertKept({ name, seed, scene }: Run, content: Content, violations: Violation[]): Promise<void> {
  if (violations.length === 0) return
  const records = join(tmpdir(), `rotunda-crash-${name.replaceAll(' ', '-')}-${seed}.json`)
  const { publishes, readings } = scene.ledger
  await writeFile(records, JSON.stringify({ violations, publishes, readings, ...content }))
  const first = violations.slice(0, 10).join('\n')
  assert.fail(`${violations.length} violations; all records are in ${records}. The first:\n${first}`)
}

/** Checks a run that is over, and tells its figures. @throws as {@link assertKept} does. */
export async function conclude({ rounds, kills, content, ordered, ...run }: Ending): Promise<Figures> {
  const { broken, reordered } = run.scene.violations(content)
  await assertKept(run, content, ordered ? [...broken, ...reordered] : broken)
  const { seen, connects, resumes, retries } = run.scene.ledger
  const messages = content.rows.length
  const figures = { rounds, kills, messages, seen, connects, resumes, retries, reordered: reordered.length }
  progress(`${run.name}: ${Object.entries(figures).map(([what, count]) => `${count} ${what}`).join(', ')}`)
  return figures
}
