import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { processesOf } from '../chaos/processes.ts'
import { eventually } from './support/eventually.ts'

const main = fileURLToPath(new URL('../chaos/main.ts', import.meta.url))

test.each<[string, NodeJS.Signals, RegExp]>([
  ['while it starts', 'SIGTERM', /^logs and data: /],
  ['in the middle of it', 'SIGINT', /^strikes begin/],
])('a run that is stopped %s leaves nothing running, and says where its logs are', async (_, signal, when) => {
  const child = spawn(process.execPath, [main, '--kills', '1000', '--seed', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  let isTold = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    if (isTold || !when.test(line)) return
    isTold = true
    child.kill(signal)
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect(code).toBe(130)
  const home = /^logs and data: (.*)$/.exec(lines.at(-1) ?? '')?.[1] ?? ''
  expect(existsSync(home)).toBe(true)
  // What was killed is gone a moment later.
  await eventually('nothing of it runs', async () => {
    const left = await processesOf(home)
    if (left.length > 0) throw new Error(left.map(({ commandLine }) => commandLine).join('\n'))
    return true
  })
  await rm(home, { recursive: true })
})
