// The whole check that needs Node only: `npm test`, or `npm test -- unit lint` for some of its steps. `registry` (which is for
// `OCI_REGISTRY_BIN`), `kafka`, `disk`, `real` and `helm` (for `HELM_BIN`) run only when they are chosen; `unit`, `contract` and
// `scenarios` are the parts of `vitest`.
// The last line is `N passed, N failed`; every test of vitest counts, and each of the other checks counts as one. What failed
// stands in the lines before it, as `failed: ...`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const scratch = mkdtempSync(join(tmpdir(), 'flotilla-test-'))

/** Runs a command with its output shown; its exit code, 1 when a signal ended it. */
function run(command, args) {
  const ended = spawnSync(command, args, { stdio: 'inherit' })
  if (ended.error !== undefined) console.error(`${command}: ${ended.error.message}`)
  return ended.status ?? 1
}

/** A check that passes or fails as a whole: a script of package.json. */
function check(name) {
  const ok = run('npm', ['run', '--silent', name]) === 0
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0, failures: ok ? [] : [name] }
}

/** Projects of vitest, in one run. A run that fails without a failed test (a file that does not load, a stray error) counts as one. */
function project(names, files = []) {
  const chosen = [names].flat()
  const report = join(scratch, `${chosen.join('-')}.json`)
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const status = run('vitest', ['run', ...chosen.flatMap((name) => ['--project', name]), ...reporters, ...files])
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = readReport(report)
  const failed = numFailedTests === 0 && status !== 0 ? 1 : numFailedTests
  const skipped = numPendingTests + numTodoTests
  return { passed: numPassedTests, failed, skipped, failures: failed === 0 ? [] : failuresOf(testResults, chosen) }
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
  }
}

/** What failed, a line each: the file, the test, and what it said first. A run that names nothing is named by its projects. */
function failuresOf(testResults, projects) {
  const named = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(process.cwd(), name)
    const tests = assertionResults.filter((test) => test.status === 'failed')
    if (tests.length === 0) return status === 'failed' ? [lineOf(file, message)] : []
    return tests.map((test) => lineOf(`${file} > ${test.fullName}`, test.failureMessages[0]))
  })
  return named.length > 0 ? named : [projects.join(', ')]
}

const lineOf = (what, message) => stripVTControlCharacters(`${what}: ${(message ?? '').split('\n')[0]}`)

const steps = {
  lint: () => check('lint'),
  types: () => check('types'),
  // The committed openapi.json must be what the routes say.
  openapi: () => check('openapi:check'),
  // Side by side, see test/support/interleaved.ts.
  vitest: () => project(['unit', 'contract', 'scenarios']),
  unit: () => project('unit'),
  contract: () => project('contract'),
  scenarios: () => project('scenarios'),
  // Only when asked for, because they need more than Node: a registry, Java for Kafka, the right to mount, and Go for a real cluster.
  registry: () => project('contract', ['test/contract/charts/oci-registry.test.ts']),
  kafka: () => project('kafka'),
  disk: () => project('disk'),
  real: () => project('real'),
  // Only when asked for, because it is there for another version of helm, which `HELM_BIN` names.
  helm: () => project(['contract', 'scenarios'], whatRunsHelm),
}
const whenAskedFor = ['unit', 'contract', 'scenarios', 'registry', 'kafka', 'disk', 'real', 'helm']

/** The suites of contract and scenarios in which helm has a part. */
const whatRunsHelm = [
  ...['helm/', 'charts/', 'releases/', 'drivers/helm', 'cluster/helm'].map((path) => `test/contract/${path}`),
  ...['releases/', 'upgrades/', 'sources/', 'fleet/batch', 'start/', 'chaos'].map((path) => `test/scenarios/${path}`),
]

function main(chosen) {
  const unknown = chosen.filter((name) => !(name in steps))
  if (unknown.length > 0)
    throw new Error(`no such step: ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`)
  const total = { passed: 0, failed: 0, skipped: 0 }
  const failures = []
  for (const [name, step] of Object.entries(steps)) {
    if (chosen.length > 0 ? !chosen.includes(name) : whenAskedFor.includes(name)) continue
    console.log(`\n— ${name}`)
    const result = step()
    for (const key of Object.keys(total)) total[key] += result[key]
    failures.push(...result.failures)
  }
  if (total.skipped > 0) console.log(`\n${total.skipped} skipped`)
  if (failures.length > 0) console.log(`\n${failures.map((failure) => `failed: ${failure}`).join('\n')}`)
  console.log(`\n${total.passed} passed, ${total.failed} failed`)
  process.exitCode = total.failed > 0 ? 1 : 0
}

try {
  main(process.argv.slice(2))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
