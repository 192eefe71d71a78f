import { describe, expect, test } from 'vitest'
import type { ErrorCode } from '../../core/problems.ts'
import { BoundedOutput } from './bounded-output.ts'
import { parseConflicts } from './conflicts.ts'
import { explain, type FailedRun } from './errors.ts'
import type { Refusal } from './gateway/attempt.ts'
import { redact, redactedTail } from './redact.ts'
import { helm4 } from './testing/stderr.ts'

const run = (stderr: string, more: Partial<FailedRun> = {}): FailedRun => ({
  end: 'exited',
  stderr,
  refusals: [],
  unreachable: 0,
  refused: [],
  ...more,
})

const expected: Readonly<Record<keyof typeof helm4, ErrorCode>> = {
  nameInUse: 'name_taken',
  upgradeMissing: 'not_found',
  rollbackMissing: 'not_found',
  revisionMissing: 'revision_not_found',
  uninstallMissing: 'not_found',
  conflict: 'field_conflict',
  rollbackConflict: 'field_conflict',
  nilPointer: 'chart_render_failed',
  required: 'chart_render_failed',
  fail: 'chart_render_failed',
  badYaml: 'chart_render_failed',
  templateSyntax: 'chart_render_failed',
  schema: 'values_schema',
  unknownKind: 'chart_render_failed',
  wrongType: 'helm_failed',
  invalidValue: 'helm_failed',
  unknownField: 'helm_failed',
  ownedByAnother: 'helm_failed',
  hookFailed: 'hook_failed',
  hookTimedOut: 'hook_failed',
  tooLarge: 'release_too_large',
  noNamespace: 'helm_failed',
  kubeVersion: 'chart_invalid',
  missingDependency: 'chart_invalid',
  noChart: 'chart_invalid',
  originalMissing: 'object_unrecorded',
  inProgress: 'operation_in_progress',
  clusterDown: 'cluster_unavailable',
  unauthorized: 'cluster_unavailable',
  terminated: 'cancelled',
}

describe("helm's words", () => {
  test.each(Object.entries(expected))('%s is %s', (name, code) => {
    const stderr = helm4[name as keyof typeof helm4]
    const explanation = explain(run(stderr))
    expect(explanation.code).toBe(code)
    expect(explanation.detail).not.toBe('')
    expect(explanation.detail).not.toMatch(/^Error|FAILED:|level=/)
    expect(explanation.detail + redactedTail(stderr)).not.toContain('CANARY')
  })

  test('in a namespace that is being deleted nothing can be made, hooks neither', () => {
    const why = 'unable to create new content in namespace team because it is being terminated'
    const record = `Error: UPGRADE FAILED: create: failed to create: secrets "sh.helm.release.v1.web.v3" is forbidden: ${why}`
    const hook = `Error: UPGRADE FAILED: pre-upgrade hooks failed: jobs.batch "web-hook" is forbidden: ${why}`
    for (const stderr of [record, hook])
      expect(explain(run(stderr))).toMatchObject({ code: 'refused', detail: expect.stringContaining(why) })
  })

  test('3.17 says of an object that its newest record lacks', () => {
    expect(explain(run('Error: no ConfigMap with the name "r1-old" found')).code).toBe('object_unrecorded')
    const hook = 'Error: pre-rollback hooks failed: no ConfigMap with the name "r1-old" found'
    expect(explain(run(hook)).code).toBe('hook_failed')
  })

  test('unknown ones are a failure of helm, or of the cluster when it did not answer', () => {
    expect(explain(run('Error: something new')).code).toBe('helm_failed')
    expect(explain(run('Error: something new', { unreachable: 1 })).code).toBe('cluster_unavailable')
    expect(explain(run(''))).toEqual({ code: 'helm_failed', detail: 'helm ended without saying why' })
  })

  test('a text of the chart cannot choose the code', () => {
    const stderr =
      'Error: INSTALLATION FAILED: execution error at (c/templates/a.yaml:1:3): another operation (install/upgrade/rollback) is in progress'
    expect(explain(run(stderr)).code).toBe('chart_render_failed')
  })
})

describe('facts come before words', () => {
  const refusal: Refusal = {
    kind: 'refused',
    method: 'PATCH',
    reason: 'outside_namespace',
    object: { group: 'apps', version: 'v1', resource: 'deployments', namespace: 'other', name: 'a' },
  }

  test('how we ended it', () => {
    expect(explain(run(helm4.terminated, { end: 'deadline' })).code).toBe('timed_out')
    expect(explain(run(helm4.terminated, { end: 'cancelled' })).code).toBe('cancelled')
    expect(explain(run('', { end: 'lost' })).code).toBe('interrupted')
  })

  test('a limit that it ran into', () => {
    expect(explain(run('', { end: 'exhausted' }))).toMatchObject({ code: 'helm_failed' })
    expect(explain(run('', { end: 'killed' }))).toMatchObject({ code: 'interrupted' })
    const crash =
      'runtime: out of memory: cannot allocate 1-byte block\nfatal error: out of memory\n\ngoroutine 1 gp=0xc [running]:\nCANARY'
    expect(explain(run(crash)).detail).toContain('memory')
    expect(redactedTail(crash)).toMatch(/out of memory\n+\[stack cut\]$/)
    expect(explain(run('panic: CANARY\n\ngoroutine 1 [running]:')).detail).not.toContain('CANARY')
  })

  test('what the gateway refused, by name', () => {
    expect(explain(run(helm4.hookFailed, { refusals: [refusal] }))).toEqual({
      code: 'outside_namespace',
      detail: 'the chart asked for PATCH deployments.apps "a" in the namespace "other" (outside_namespace)',
    })
    const ofCluster = { ...refusal, object: { ...refusal.object, group: '', namespace: null, name: null } } as Refusal
    expect(explain(run('', { refusals: [ofCluster] })).detail).toContain('PATCH deployments of the cluster')
  })

  test('a cluster that went away before what helm makes of that', () => {
    const away =
      'Error: UPGRADE FAILED: unable to build kubernetes objects from release manifest: the server is unavailable'
    expect(explain(run(away, { unreachable: 1 })).code).toBe('cluster_unavailable')
    expect(explain(run(helm4.fail, { unreachable: 1 })).code).toBe('chart_render_failed')
    expect(explain(run(helm4.hookFailed, { unreachable: 1 })).code).toBe('cluster_unavailable')
  })

  test('what the cluster refused, where helm names no reason', () => {
    const bare = 'Error: failed to delete release: web'
    const object = 'gadgets.example.test "one" in the namespace "ns"'
    const refused = { method: 'DELETE', object, status: 403, message: 'gadgets "one" is forbidden: no' }
    expect(explain(run(bare, { refused: [refused] }))).toEqual({
      code: 'not_permitted',
      detail: `failed to delete release: web; the cluster refused DELETE ${object}: gadgets "one" is forbidden: no`,
      refused: [refused],
    })
    const others = [1, 2, 3, 4].map((nth) => ({ ...refused, object: `pods "${nth}"`, status: 500, message: null }))
    const many = explain(run(bare, { refused: others }))
    expect(many.code).toBe('helm_failed')
    expect(many.detail).toMatch(/refused DELETE pods "2": HTTP 500; .*; DELETE pods "4": HTTP 500 and 1 more$/)
    const all = Array.from({ length: 10 }, () => refused)
    expect(explain(run(bare, { refused: all })).detail).toMatch(/: no and more$/)
    expect(explain(run(helm4.invalidValue, { refused: [refused] }))).toEqual(explain(run(helm4.invalidValue)))
    expect(explain(run(bare)).detail).toBe('failed to delete release: web')
  })

  test('a lost lease before all that it made fail', () => {
    const late: Refusal = { kind: 'refused', method: 'PATCH', reason: 'no_lease', object: null }
    expect(explain(run('', { refusals: [refusal, late] })).code).toBe('interrupted')
  })
})

describe('conflicts', () => {
  test('name object, field and manager', () => {
    expect(explain(run(helm4.conflict)).conflicts).toEqual([
      { object: 'Deployment t1/r1-d', field: '.spec.replicas', manager: 'kubectl' },
    ])
  })

  test('several fields and managers', () => {
    const stderr =
      'Error: UPGRADE FAILED: conflict occurred while applying object t1/d apps/v1, Kind=Deployment: ' +
      'Apply failed with 3 conflicts: conflicts with "kubectl" with subresource "scale" using apps/v1:\n' +
      '- .spec.replicas\n- .spec.paused\nconflicts with "my tool" using apps/v1:\n- .spec.template.spec.containers[name="c"].image'
    expect(parseConflicts(stderr)).toEqual([
      { object: 'Deployment t1/d', field: '.spec.replicas', manager: 'kubectl' },
      { object: 'Deployment t1/d', field: '.spec.paused', manager: 'kubectl' },
      { object: 'Deployment t1/d', field: '.spec.template.spec.containers[name="c"].image', manager: 'my tool' },
    ])
  })
})

describe('redaction', () => {
  test.each([
    ['spec.x: Invalid value: "CANARY": must be', 'spec.x: Invalid value: ***: must be'],
    ['spec.x: Invalid value: "a\\"CANARY": must be', 'spec.x: Invalid value: ***: must be'],
    ['spec.x: Unsupported value: "CANARY": supported', 'spec.x: Unsupported value: ***: supported'],
    ['Get "http://u:CANARY@127.0.0.1:1/version"', 'Get "http://***@127.0.0.1:1/version"'],
    ['error calling atoi: strconv.Atoi: parsing "CANARY": invalid', 'error calling atoi: ***'],
    ["- at '/pw': 'CANARY' does not match pattern 'x'", "- at '/pw': *** does not match pattern 'x'"],
    ["- at '/e': value must be one of 'CANARY', 'b'", "- at '/e': value is not one of those allowed"],
    ["  - at '/a/0': 'CANARY' does not match pattern 'x'", "  - at '/a/0': *** does not match pattern 'x'"],
    ["    - at '/e': value must be 'CANARY'", "    - at '/e': value is not one of those allowed"],
    ["- at '/m': 'CANARY' is not valid email: missing CANARY", "- at '/m': *** is not valid email"],
    ["- at '/n': minimum: got 1234, want 3", "- at '/n': minimum: got ***, want 3"],
    ['cannot unmarshal !!str `CANARY` into int', 'cannot unmarshal !!str `***` into int'],
    ['panic: CANARY', 'panic: ***'],
    [
      'expected string, got &value.valueUnstructured{Value:map[string]interface {}{"a":"CANARY"}}\nnext',
      'expected string, got &value.valueUnstructured***\nnext',
    ],
    ['head\n[… cut …]\n:"CANARY"}: no\nError: it failed', 'head\n[… cut …]\n\nError: it failed'],
  ])('%s', (text, safe) => expect(redact(text)).toBe(safe))

  test('keeps a bounded end', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
    const tail = redactedTail(lines.join('\n'))
    expect(tail.length).toBeLessThanOrEqual(64 * 1024 + 2)
    expect(lines.join('\n').endsWith(tail.slice(1))).toBe(true)
    expect(redactedTail('x'.repeat(100_000))).toBe('[a line that is too long to be shown]')
  })

  test('wherever its output was cut, no part of a line is shown', () => {
    const line = `Error: it failed for ${'y'.repeat(20)}`
    for (let half = 60; half < 200; half++) {
      const output = new BoundedOutput(2 * half)
      output.write(Buffer.from(Array.from({ length: 40 }, () => line).join('\n')))
      const { detail } = explain(run(output.text()))
      const told = `${redactedTail(output.text())}\n${detail}`.split('\n')
      expect(told.filter((each) => each.includes('y') && !/y{20}$/.test(each))).toEqual([])
    }
  })
})
