import { expect, test } from 'vitest'
import { declaresHooks } from './hooks.ts'

test.each([
  ['helm.sh/hook: pre-install,pre-upgrade', true],
  ['"helm.sh/hook": post-delete', true],
  ["'helm.sh/hook': 'pre-install, test'", true],
  ['{{ dict "helm.sh/hook" .Values.when }}', true],
  ['"helm.sh/hook": {{ .Values.when }}', true],
  ['"helm.sh/hook": test', false],
  ['helm.sh/hook: test-success', false],
  ['helm.sh/hook-weight: "1"\nhelm.sh/hook-delete-policy: hook-succeeded', false],
  ['kind: Job', false],
])('%j: %j', (template, expected) => {
  expect(declaresHooks(['kind: A', template])).toBe(expected)
})
